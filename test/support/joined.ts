import { bytesOf, type ReadableStorage } from "../../src/bytes/index.ts";

/** All the bytes of storages that follow each other. */
export function joined(storages: readonly ReadableStorage[]): Buffer {
  return Buffer.concat(storages.map((storage) => bytesOf(storage)));
}
