import { join } from "node:path";
import { sanitise } from "../bytes/index.ts";
import { WickError } from "../errors/index.ts";
import { checkPrivateDirectory, makePrivateDirectory } from "../host/index.ts";

/** What a blob is known by; an OCI descriptor is one. */
export interface BlobId {
  readonly digest: `sha256:${string}`;
  /** In bytes. */
  readonly size: number;
}

/**
 * Where the store keeps what. `blobs` is that of an OCI image layout (image-spec,
 * image-layout.md), so that other tools read it too.
 */
export interface StoreLayout {
  /** `sha256/HEX`, mode 0444. */
  readonly blobs: string;
  /** `KEY/`: a finished image and what is known of it. */
  readonly images: string;
  /** What a tag resolved to, a file each. */
  readonly names: string;
  /** Whatever is under way; all of it may go when nobody holds its lock. */
  readonly tmp: string;
  /** Found damaged, and kept for whoever wants to know why. */
  readonly damaged: string;
  /** Held shared while blobs are used, exclusive while they are removed. */
  readonly lock: string;
}

export function storeLayout(directory: string): StoreLayout {
  return {
    blobs: join(directory, "blobs", "sha256"),
    images: join(directory, "images"),
    names: join(directory, "names"),
    tmp: join(directory, "tmp"),
    damaged: join(directory, "damaged"),
    lock: join(directory, "store.lock"),
  };
}

/** Makes a directory of the store's; one that others may write into is refused. */
export function ownDirectory(path: string): string {
  makePrivateDirectory(path);
  checkPrivateDirectory(path);
  return path;
}

/** The digest's 64 hexadecimal digits: nothing else becomes part of a path (R6). */
export function hexOf(digest: string): string {
  const hex = /^sha256:([0-9a-f]{64})$/.exec(digest)?.[1];
  if (hex !== undefined) return hex;
  throw new WickError(
    "VALUE_OUT_OF_RANGE",
    `Cannot use the digest "${sanitise(digest)}": wanted sha256: and 64 hexadecimal digits in lower case`,
  );
}
