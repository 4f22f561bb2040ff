import * as v from "valibot";
import { display, sanitise } from "../../bytes/index.ts";
import { WickError } from "../../errors/index.ts";
import {
  type Descriptor,
  type Digest,
  type ImageConfig,
  type ImageManifest,
  isDigest,
  mediaTypes,
  parseImageConfig,
} from "../../formats/oci/index.ts";
import {
  checkBytes,
  checkPlatform,
  digestOf,
  type FoundImage,
  type StoredBlob,
} from "../image/index.ts";
import { chooseOne } from "./choose-one.ts";
import { type ImageFiles, readDocument } from "./image-files.ts";
import type { Wanted } from "./oci-layout.ts";

const MANIFEST = "manifest.json";
/** Images in one archive, and layers of one image: far more than anybody saves. */
const ITEMS_MAX = 1000;

const names = v.pipe(v.array(v.string()), v.maxLength(ITEMS_MAX));

/** `manifest.json` of docker save (moby, image/tarexport). */
const manifestSchema = v.pipe(
  v.array(
    v.object({
      Config: v.string(),
      RepoTags: v.nullish(names),
      Layers: v.nullish(names),
    }),
  ),
  v.maxLength(ITEMS_MAX),
);

type Item = v.InferOutput<typeof manifestSchema>[number];

/** Whether the files are what docker save writes. */
export function isDockerArchive(files: ImageFiles): boolean {
  return files.find(MANIFEST) !== undefined;
}

/**
 * The image `tag` of an archive of docker save, or its only one; of the old form and of the one
 * that is an OCI layout as well. What it calls the image binds no name (threats S11).
 */
export function openDockerArchive(files: ImageFiles, wanted: Wanted): FoundImage {
  const { reference, tag, platform } = wanted;
  const candidates = readManifest(files).map((item) => ({ item, names: item.RepoTags ?? [] }));
  const chosen = chooseOne(candidates, { reference, tag, key: ({ Config }) => Config });
  const images = chosen.map((item) => readImage(files, item, reference));
  // Of one name there are several when they are for several platforms.
  const fitting = images.find((image) => fits(image.config, wanted)) ?? images[0]!;
  checkPlatform(fitting.config, platform, reference);
  return fitting;
}

function fits(config: ImageConfig, { platform, reference }: Wanted): boolean {
  try {
    checkPlatform(config, platform, reference);
    return true;
  } catch {
    return false;
  }
}

function readManifest(files: ImageFiles): readonly Item[] {
  const bytes = readDocument(files, MANIFEST);
  try {
    const is: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    return v.parse(manifestSchema, is);
  } catch (cause) {
    const start = display(bytes.subarray(0, 40));
    throw new WickError(
      "IMAGE_INVALID",
      `Cannot use ${files.name}: its ${MANIFEST} begins with "${start}", wanted a list of images with Config and Layers`,
      { cause },
    );
  }
}

function readImage(files: ImageFiles, item: Item, reference: string): FoundImage {
  const bytes = readDocument(files, item.Config);
  const digest = digestOf(bytes);
  const named = digestIn(item.Config);
  const what = `the config of ${reference}`;
  if (named !== undefined) checkBytes(bytes, { digest: named, size: bytes.length }, what);
  const config = parseImageConfig(bytes, reference);
  const layers = item.Layers ?? [];
  checkCount(layers, config, reference);
  const blobs = layers.map((path) => layerFile(files, path, reference));
  const digests = layers.map(digestOfBlob);
  const manifest: ImageManifest = {
    kind: "manifest",
    config: { mediaType: mediaTypes.dockerConfig, digest, size: bytes.length },
    layers: blobs.map((blob, index): Descriptor => ({
      mediaType: mediaTypes.dockerLayer,
      digest: digests[index] ?? config.rootfs.diff_ids[index]!,
      size: blob.sizeBytes,
    })),
  };
  return {
    reference,
    manifestDigest: digest,
    manifest,
    config,
    layersNamedBy: digests.includes(undefined) ? "diff_ids" : "manifest",
    layerBlob: async (index) => blobs[index]!,
  };
}

function layerFile(files: ImageFiles, path: string, reference: string): StoredBlob {
  const blob = files.find(path);
  if (blob !== undefined) return blob;
  throw new WickError(
    "IMAGE_INVALID",
    `Cannot use ${reference}: its layer ${sanitise(path.slice(0, 200))} is not in ${files.name}`,
  );
}

function checkCount(layers: readonly string[], config: ImageConfig, reference: string): void {
  const diffIds = config.rootfs.diff_ids.length;
  if (layers.length === diffIds) return;
  throw new WickError(
    "IMAGE_INVALID",
    `Cannot use ${reference}: it has ${layers.length} layers and ${diffIds} diff_ids, wanted as many`,
  );
}

/** The old form calls the config by its digest, the new one everything. */
function digestIn(path: string): Digest | undefined {
  const hex = /^([0-9a-f]{64})\.json$/.exec(path)?.[1];
  const digest = `sha256:${hex}`;
  return hex !== undefined && isDigest(digest) ? digest : digestOfBlob(path);
}

function digestOfBlob(path: string): Digest | undefined {
  const digest = `sha256:${/^blobs\/sha256\/([0-9a-f]{64})$/.exec(path)?.[1]}`;
  return isDigest(digest) ? digest : undefined;
}
