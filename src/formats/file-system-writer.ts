import { utf8 } from "../bytes/index.ts";
import { WickError } from "../errors/index.ts";
import type { Sink, Tree } from "../tree/index.ts";

/** How an image is to be, whatever its format. */
export interface FileSystemOptions {
  /** Volume name, at most 16 bytes of UTF-8. */
  readonly label?: string;
  /** The UUID's 16 bytes; a function is asked when all file data have passed. */
  readonly uuid: Uint8Array | (() => Uint8Array);
  /** Gets a sentence for the user about whatever could not be kept as it is. */
  readonly warn: (message: string) => void;
}

/** An image that is being written. */
export interface FileSystemWriter<Summary> {
  /** Takes the files' bytes. */
  readonly sink: Sink;
  /** Writes everything else; the tree's files must have their places in this sink. Once only. */
  finish(tree: Tree): Summary;
}

/** Of s_volume_name (ext4) and volume_name (EROFS). */
const LABEL_BYTES = 16;
const UUID_BYTES = 16;

export function checkLabel(label: string): Uint8Array {
  const bytes = utf8(label);
  if (bytes.length <= LABEL_BYTES && !bytes.includes(0)) return bytes;
  throw new WickError(
    "USAGE",
    `Cannot label the image: ${bytes.length} bytes, wanted ${LABEL_BYTES} at most and no NUL`,
  );
}

export function checkUuid(uuid: FileSystemOptions["uuid"]): Uint8Array {
  const bytes = typeof uuid === "function" ? uuid() : uuid;
  if (bytes.length === UUID_BYTES) return bytes;
  throw new WickError("INTERNAL", `Cannot use a UUID of ${bytes.length} bytes, wanted 16`);
}
