import type { ReadableStorage } from "../../bytes/index.ts";
import { letOthersRun, throwIfAborted } from "../../host/index.ts";

const CHUNK_BYTES = 1 << 20;

/** What a storage holds from `position` on, in chunks that are the receiver's. */
export async function* storageChunks(
  storage: ReadableStorage,
  {
    position = 0,
    signal,
  }: { readonly position?: number; readonly signal?: AbortSignal | undefined },
): AsyncGenerator<Uint8Array> {
  for (let at = position; ;) {
    throwIfAborted(signal);
    const chunk = new Uint8Array(CHUNK_BYTES);
    const count = storage.readAt(chunk, at);
    if (count === 0) return;
    yield chunk.subarray(0, count);
    at += count;
    await letOthersRun();
  }
}
