/** Bytes that can be read at any position: a file, or a buffer in a test. */
export interface ReadableStorage {
  readonly sizeBytes: number;
  /** Fills `target` from `position`; returns how many bytes there were (fewer only at the end). */
  readAt(target: Uint8Array, position: number): number;
}

/** Bytes that can be written at any position; what is never written reads as zeros. */
export interface WritableStorage {
  /** Writes all of `bytes` at `position`, or throws. */
  writeAt(bytes: Uint8Array, position: number): void;
  /** Makes the storage exactly `sizeBytes` long; growth is a hole. */
  setSize(sizeBytes: number): void;
}

/** Both. */
export interface Storage extends ReadableStorage, WritableStorage {}

/** `bytes` as storage that is read; they are lent, not copied. */
export function storageOf(bytes: Uint8Array): ReadableStorage {
  return {
    sizeBytes: bytes.length,
    readAt(target, position) {
      const part = bytes.subarray(position, position + target.length);
      target.set(part);
      return part.length;
    },
  };
}

/** A stretch of `storage` as storage of its own. */
export function stretchOf(
  storage: ReadableStorage,
  { offset, sizeBytes }: { readonly offset: number; readonly sizeBytes: number },
): ReadableStorage {
  return {
    sizeBytes,
    readAt(target, position) {
      const left = Math.max(0, sizeBytes - position);
      return storage.readAt(target.subarray(0, left), offset + position);
    },
  };
}
