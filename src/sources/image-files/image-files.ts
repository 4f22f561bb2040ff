import { WickError } from "../../errors/index.ts";
import { DOCUMENT_MAX_BYTES } from "../../formats/oci/index.ts";
import { readExactRegion } from "../../host/index.ts";
import type { StoredBlob } from "../image/index.ts";

/** The files of an image layout or archive, wherever they lie. */
export interface ImageFiles {
  /** What they are in, for messages; safe to print. */
  readonly name: string;
  /** A regular file by its path (`blobs/sha256/…`); undefined when there is none. */
  find(path: string): StoredBlob | undefined;
}

/** A small document: IMAGE_INVALID when it is not there, IMAGE_LIMIT when it is not small. */
export function readDocument(files: ImageFiles, path: string): Uint8Array {
  const blob = files.find(path);
  if (blob === undefined) {
    throw new WickError("IMAGE_INVALID", `Cannot use ${files.name}: it has no ${path}`);
  }
  if (blob.sizeBytes > DOCUMENT_MAX_BYTES) {
    throw new WickError(
      "IMAGE_LIMIT",
      `Cannot read ${path} of ${files.name}: ${blob.sizeBytes} bytes, wanted at most ${DOCUMENT_MAX_BYTES}`,
    );
  }
  return readExactRegion(blob);
}
