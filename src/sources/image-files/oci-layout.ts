import { sanitise } from "../../bytes/index.ts";
import { WickError } from "../../errors/index.ts";
import {
  choosePlatform,
  type Descriptor,
  digestHex,
  type ImageIndex,
  mediaTypes,
  parseIndexOrManifest,
  type WantedPlatform,
} from "../../formats/oci/index.ts";
import { type FoundImage, mismatch, resolveImage, type StoredBlob } from "../image/index.ts";
import { chooseOne } from "./choose-one.ts";
import { type ImageFiles, readDocument } from "./image-files.ts";

/** Which image of a layout or archive is wanted, and for what. */
export interface Wanted {
  /** As the user wrote it; safe to print. */
  readonly reference: string;
  readonly tag?: string | undefined;
  readonly platform: WantedPlatform;
}

/** The key of an image's tag (image-spec, annotations.md), and containerd's of its whole name. */
const REF_NAME = "org.opencontainers.image.ref.name";
const CONTAINERD_NAME = "io.containerd.image.name";

/** Whether the files are an OCI layout. */
export function isLayout(files: ImageFiles): boolean {
  return files.find("oci-layout") !== undefined;
}

/**
 * The image `tag` of an OCI image layout (image-spec, image-layout.md), or its only one.
 * Errors: USAGE where the tag leaves a choice, SOURCE_NOT_FOUND where no image has it, and
 * those of its documents.
 */
export async function openLayout(
  files: ImageFiles,
  wanted: Wanted,
  signal?: AbortSignal,
): Promise<FoundImage> {
  checkLayout(files);
  const name = wanted.reference;
  const index = readIndex(files, name);
  const start = chooseImage(index, wanted);
  const found = await resolveImage(
    {
      name,
      start,
      wanted: wanted.platform,
      read: async (descriptor) => {
        const path = blobPath(descriptor);
        checkSize(files.find(path), descriptor, `${path} of ${name}`);
        return readDocument(files, path);
      },
    },
    signal,
  );
  return {
    reference: name,
    ...found,
    layerBlob: async (layer) => layerOf(files, found.manifest.layers[layer]!, layer, name),
  };
}

function blobPath({ digest }: Descriptor): string {
  return `blobs/sha256/${digestHex(digest)}`;
}

function layerOf(
  files: ImageFiles,
  descriptor: Descriptor,
  layer: number,
  name: string,
): StoredBlob {
  const path = blobPath(descriptor);
  const blob = files.find(path);
  if (blob !== undefined) return blob;
  throw new WickError(
    "IMAGE_INVALID",
    `Cannot use layer ${layer + 1} of ${name}: ${path} is not in ${files.name}`,
  );
}

/** Told before the document is read into memory, whatever its size is. */
function checkSize(blob: StoredBlob | undefined, { size }: Descriptor, what: string): void {
  if (blob === undefined || blob.sizeBytes === size) return;
  throw mismatch(what, `${blob.sizeBytes} bytes`, `${size} bytes`);
}

function checkLayout(files: ImageFiles): void {
  const text = new TextDecoder().decode(readDocument(files, "oci-layout"));
  const version = /"imageLayoutVersion"\s*:\s*"([^"]{1,20})"/.exec(text)?.[1];
  if (version?.startsWith("1.") === true) return;
  throw new WickError(
    "IMAGE_INVALID",
    `Cannot use ${files.name}: a layout of the version ${sanitise(version ?? "(none)")}, wanted 1.0.0`,
  );
}

function readIndex(files: ImageFiles, name: string): ImageIndex {
  const bytes = readDocument(files, "index.json");
  const document = parseIndexOrManifest(bytes, { name, mediaType: mediaTypes.ociIndex });
  if (document.kind === "index") return document;
  throw new WickError("IMAGE_INVALID", `Cannot use ${name}: index.json is no index`);
}

function chooseImage(index: ImageIndex, { reference, tag, platform }: Wanted): Descriptor {
  const candidates = index.manifests.map((descriptor) => ({
    item: descriptor,
    names: namesOf(descriptor),
  }));
  const tagged = chooseOne(candidates, { reference, tag, key: ({ digest }) => digest });
  // Manifests of several platforms side by side, without an index of their own.
  const [only] = tagged;
  if (only !== undefined && tagged.length === 1) return only;
  return choosePlatform({ kind: "index", manifests: tagged }, platform, reference);
}

function namesOf({ annotations }: Descriptor): string[] {
  const names = [annotations?.[REF_NAME], annotations?.[CONTAINERD_NAME]];
  return names.filter((one) => one !== undefined);
}
