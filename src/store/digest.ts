import { createHash, type Hash } from "node:crypto";
import type { Digest } from "../formats/oci/index.ts";
import { FileStorage, letOthersRun, throwIfAborted } from "../host/index.ts";

/** Small enough that other work has its turn every few milliseconds. */
const CHUNK_BYTES = 1 << 20;

export function digestOf(bytes: Uint8Array): Digest {
  return finished(createHash("sha256").update(bytes));
}

/** The digest of a whole file. */
export async function digestOfFile(path: string, signal?: AbortSignal): Promise<Digest> {
  using storage = new FileStorage(path, "read");
  const hash = createHash("sha256");
  await digestInto(hash, storage, { signal });
  return finished(hash);
}

/** Gives `hash` all bytes of `storage` from its beginning; returns how many. */
export async function digestInto(
  hash: Hash,
  storage: FileStorage,
  options: { readonly signal?: AbortSignal | undefined } = {},
): Promise<number> {
  const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
  for (let position = 0; ;) {
    throwIfAborted(options.signal);
    const count = storage.readAt(buffer, position);
    if (count === 0) return position;
    hash.update(buffer.subarray(0, count));
    position += count;
    await letOthersRun();
  }
}

/** What is hashed or, if all of it is zero, only passed over. */
const PIECE_BYTES = 1 << 16;
const ZEROS = Buffer.alloc(PIECE_BYTES);

/**
 * A digest of a file's bytes that costs little where they are holes: SHA-256 of the file's size
 * and, for each 64 KiB piece with anything but zeros in it, of its position and its bytes. Most
 * of an image is free space, which takes longer to digest than all that is in it.
 */
export async function sparseDigestOfFile(path: string, signal?: AbortSignal): Promise<string> {
  using storage = new FileStorage(path, "read");
  const hash = createHash("sha256").update(`${storage.sizeBytes}\n`);
  const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
  for (let position = 0; ;) {
    throwIfAborted(signal);
    const count = storage.readAt(buffer, position);
    if (count === 0) return `pieces:${hash.digest("hex")}`;
    for (let at = 0; at < count; at += PIECE_BYTES) {
      const piece = buffer.subarray(at, Math.min(at + PIECE_BYTES, count));
      if (piece.compare(ZEROS, 0, piece.length) === 0) continue;
      hash.update(`${position + at}\n`).update(piece);
    }
    position += count;
    await letOthersRun();
  }
}

export function finished(hash: Hash): Digest {
  return `sha256:${hash.digest("hex")}`;
}
