import { sanitise } from "../../bytes/index.ts";
import { WickError } from "../../errors/index.ts";
import {
  choosePlatform,
  type Descriptor,
  type Digest,
  type ImageConfig,
  type ImageManifest,
  matchesPlatform,
  parseImageConfig,
  parseIndexOrManifest,
  platformName,
  showPlatform,
  type WantedPlatform,
} from "../../formats/oci/index.ts";
import { checkBytes, checkEmbedded } from "./documents.ts";

/** Where an image's documents come from. */
export interface ImageDocuments {
  /** The image's name for messages; safe to print. */
  readonly name: string;
  /** Of the index or manifest to begin with; its media type may be "" where nobody says one. */
  readonly start: Descriptor;
  readonly wanted: WantedPlatform;
  /** The bytes of a document, as they are there: they are verified here. */
  read(descriptor: Descriptor, signal?: AbortSignal): Promise<Uint8Array>;
}

/** An image's documents, all verified. */
export interface ResolvedImage {
  readonly manifestDigest: Digest;
  readonly manifest: ImageManifest;
  readonly config: ImageConfig;
}

/** An index may name indexes once: more is nesting for its own sake (threats R8). */
const INDEX_LEVELS = 2;

/**
 * Goes from an index to the manifest for the wanted platform and to its config, each verified
 * by digest and size. Errors: DIGEST_MISMATCH, UNSUPPORTED (no such platform, no image),
 * IMAGE_INVALID, IMAGE_LIMIT, and those of `read`.
 */
export async function resolveImage(
  documents: ImageDocuments,
  signal?: AbortSignal,
): Promise<ResolvedImage> {
  const { name, wanted } = documents;
  const [descriptor, manifest] = await findManifest(documents, signal);
  const what = `the config of ${name}`;
  const config = parseImageConfig(
    await readDocument(documents, manifest.config, what, signal),
    name,
  );
  checkPlatform(config, wanted, name);
  checkLayers(manifest, config, name);
  return { manifestDigest: descriptor.digest, manifest, config };
}

async function findManifest(
  documents: ImageDocuments,
  signal: AbortSignal | undefined,
): Promise<readonly [Descriptor, ImageManifest]> {
  const { name, start, wanted } = documents;
  let descriptor = start;
  for (let level = 0; level <= INDEX_LEVELS; level++) {
    const bytes = await readDocument(documents, descriptor, `the manifest of ${name}`, signal);
    const { mediaType } = descriptor;
    const document = parseIndexOrManifest(bytes, { name, mediaType });
    if (document.kind === "manifest") {
      checkEmbedded([document.config, ...document.layers], name);
      return [descriptor, document];
    }
    checkEmbedded(document.manifests, name);
    descriptor = choosePlatform(document, wanted, name);
  }
  throw new WickError(
    "IMAGE_INVALID",
    `Cannot use ${name}: indexes within indexes, wanted a manifest after ${INDEX_LEVELS} at most`,
  );
}

async function readDocument(
  documents: ImageDocuments,
  descriptor: Descriptor,
  what: string,
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  const bytes = await documents.read(descriptor, signal);
  checkBytes(bytes, descriptor, what);
  return bytes;
}

/** Names without a variant: a manifest that was asked for by itself is taken as it is. */
export function checkPlatform(config: ImageConfig, wanted: WantedPlatform, name: string): void {
  const { os, architecture } = config;
  // Old tools left them out; what does not run is noticed when its program is looked at.
  if ((os === "" && architecture === "") || matchesPlatform({ os, architecture }, wanted)) return;
  const other = wanted.architecture === "x86_64" ? "aarch64" : "x86_64";
  const fits = matchesPlatform({ os, architecture }, { architecture: other });
  throw new WickError(
    "UNSUPPORTED",
    `Cannot use ${name}: it is for ${showPlatform(config)}, wanted ${platformName(wanted)}`,
    fits ? { hint: `--platform ${platformName({ architecture: other })}` } : {},
  );
}

function checkLayers(manifest: ImageManifest, config: ImageConfig, name: string): void {
  const layers = manifest.layers.length;
  const diffIds = config.rootfs.diff_ids.length;
  if (layers === diffIds) return;
  throw new WickError(
    "IMAGE_INVALID",
    `Cannot use ${sanitise(name)}: its manifest has ${layers} layers and its config ${diffIds} diff_ids, wanted as many`,
  );
}
