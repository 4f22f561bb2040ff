/** sources/image/: what all images share, wherever they come from: documents, layers, verification. */
export type { FoundImage, StoredBlob } from "./found-image.ts";
export { checkBytes, digestOf, mismatch } from "./documents.ts";
export { checkPlatform, type ImageDocuments, resolveImage, type ResolvedImage } from "./resolve.ts";
export { blobLayer, type BlobLayerOptions } from "./layer.ts";
export { imageContents } from "./contents.ts";
