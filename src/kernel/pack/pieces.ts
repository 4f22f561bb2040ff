import { type ReadableStorage, stretchOf } from "../../bytes/index.ts";

/** What a kernel's file holds from `offset` on. */
export function behind(kernel: ReadableStorage, offset: number): ReadableStorage {
  return stretchOf(kernel, { offset, sizeBytes: kernel.sizeBytes - offset });
}

/** So many zeros: room between two parts. */
export function zeros(sizeBytes: number): ReadableStorage {
  return {
    sizeBytes,
    readAt(target, position) {
      const part = target.subarray(0, Math.max(0, sizeBytes - position));
      part.fill(0);
      return part.length;
    },
  };
}
