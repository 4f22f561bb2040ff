import { parseIndexOrManifest, type Digest } from "../formats/oci/index.ts";
import { isWickError } from "../errors/index.ts";
import type { BlobStore } from "./blobs.ts";
import type { BlobId } from "./layout.ts";
import type { StoredName } from "./names.ts";

/** Blobs that a name needs: its manifest, config and layers; undefined when the manifest is gone. */
export function blobsOf(name: StoredName, blobs: BlobStore): readonly BlobId[] | undefined {
  const id = { digest: name.manifestDigest, size: name.manifestSize };
  const bytes = blobs.read(id);
  if (bytes === undefined) return undefined;
  try {
    const document = parseIndexOrManifest(bytes, { name: name.reference });
    if (document.kind === "index") return [id];
    return [id, document.config, ...document.layers].map(({ digest, size }) => ({ digest, size }));
  } catch (error) {
    if (isWickError(error)) return [id];
    throw error;
  }
}

/** Digests of all blobs that some name needs. */
export function referencedBlobs(
  names: readonly StoredName[],
  blobs: BlobStore,
): ReadonlySet<Digest> {
  return new Set(names.flatMap((name) => blobsOf(name, blobs) ?? []).map(({ digest }) => digest));
}
