import type { ReadableStorage } from "./storage.ts";

/** Fits into a second-level cache: what is looked at while it is still there costs least. */
const WINDOW_BYTES = 256 << 10;

/** Some of the bytes of storages that follow each other, and where they lie among them. */
export interface Window {
  /** Lent: the next window takes their memory. */
  readonly bytes: Buffer;
  readonly position: number;
}

/**
 * What `storages` hold, one after the other, in windows of at most 256 KiB. All are read into the
 * same memory, since memory that is new costs more than reading: a fault every page.
 */
export function* windowsOf(storages: readonly ReadableStorage[]): Generator<Window> {
  const memory = Buffer.allocUnsafeSlow(WINDOW_BYTES);
  let start = 0;
  for (const storage of storages) {
    const { sizeBytes } = storage;
    for (let at = 0; at < sizeBytes; at += WINDOW_BYTES) {
      const room = memory.subarray(0, Math.min(WINDOW_BYTES, sizeBytes - at));
      const bytes = room.subarray(0, storage.readAt(room, at));
      yield { bytes, position: start + at };
    }
    start += sizeBytes;
  }
}

/**
 * The same of one storage, last window first. Each but the last goes on for `overlap` bytes into
 * the one behind it, so that no text of up to `overlap` + 1 bytes is cut in two.
 */
export function* windowsFromEnd(storage: ReadableStorage, overlap: number): Generator<Window> {
  const memory = Buffer.allocUnsafeSlow(WINDOW_BYTES);
  const step = WINDOW_BYTES - overlap;
  const last = Math.max(0, Math.ceil(storage.sizeBytes / step) - 1);
  for (let position = last * step; position >= 0; position -= step) {
    yield { bytes: memory.subarray(0, storage.readAt(memory, position)), position };
  }
}

/** All of a storage, in memory of its own. */
export function bytesOf(storage: ReadableStorage): Uint8Array {
  const bytes = new Uint8Array(storage.sizeBytes);
  return bytes.subarray(0, storage.readAt(bytes, 0));
}
