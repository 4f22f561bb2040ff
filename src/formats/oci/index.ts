/** formats/oci/: images' documents (OCI's and Docker's) and names in registries. */
export { type Digest, digestHex, isDigest, parseDigest } from "./digest.ts";
export {
  bareType,
  isIndexType,
  isManifestType,
  manifestMediaTypes,
  mediaTypes,
} from "./media-types.ts";
export { type Descriptor, type Platform, showPlatform } from "./descriptor.ts";
export { DOCUMENT_MAX_BYTES } from "./document.ts";
export {
  type DocumentFacts,
  type ImageIndex,
  type ImageManifest,
  parseIndexOrManifest,
} from "./manifest.ts";
export { choosePlatform, matchesPlatform, platformName, type WantedPlatform } from "./platform.ts";
export { type ImageConfig, parseImageConfig } from "./image-config.ts";
export { configFromImage } from "./app-config.ts";
export { type ImageReference, parseReference, showReference } from "./reference.ts";
