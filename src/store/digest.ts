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

export function finished(hash: Hash): Digest {
  return `sha256:${hash.digest("hex")}`;
}
