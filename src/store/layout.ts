import { join } from "node:path";
import { digestHex, parseDigest, type Digest } from "../formats/oci/index.ts";
import { checkPrivateDirectory, makePrivateDirectory } from "../host/index.ts";

/** What a blob is known by; an OCI descriptor is one. */
export interface BlobId {
  readonly digest: Digest;
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
  /** Kernels with their modules; kernel/ fills it. */
  readonly kernels: string;
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
    kernels: join(directory, "kernels"),
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
  return digestHex(parseDigest(digest));
}
