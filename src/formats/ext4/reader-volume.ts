import type { ReadableStorage } from "../../bytes/index.ts";
import { WickError } from "../../errors/index.ts";
import { BlockCache } from "../block-cache.ts";
import { readSuperblock, type Ext4Geometry } from "./reader-superblock.ts";

/** The blocks of an image: every number checked, the last ones kept. */
export class Volume {
  readonly geometry: Ext4Geometry;
  readonly #storage: ReadableStorage;
  readonly #what: string;
  readonly #cache = new BlockCache();

  constructor(storage: ReadableStorage, what: string) {
    this.#storage = storage;
    this.#what = what;
    this.geometry = readSuperblock(storage, what);
  }

  /** The bytes of block `number`: metadata, to be left unchanged. `part` names it in errors. */
  block(number: number, part: string): Uint8Array {
    return this.#cache.get(number, () => {
      const bytes = new Uint8Array(this.geometry.blockSize);
      this.checkBlocks(number, 1, part);
      this.readAt(bytes, number * bytes.length, part);
      return bytes;
    });
  }

  /** Fails unless `count` blocks from `start` lie behind the superblock and inside the file system. */
  checkBlocks(start: number, count: number, part: string): void {
    const { firstDataBlock, blocks } = this.geometry;
    if (start > firstDataBlock && start + count <= blocks) return;
    throw this.invalid(`${part} is said to lie at block ${start}, of ${blocks}`);
  }

  readAt(target: Uint8Array, position: number, part: string): void {
    const count = this.#storage.readAt(target, position);
    if (count < target.length) throw this.invalid(`${part} at byte ${position} is cut off`);
  }

  invalid(is: string): WickError {
    return new WickError("IMAGE_INVALID", `Cannot read ${this.#what}: ${is}`);
  }

  unsupported(is: string): WickError {
    return new WickError("UNSUPPORTED", `Cannot read ${this.#what}: ${is}`);
  }

  limit(is: string): WickError {
    return new WickError("IMAGE_LIMIT", `Cannot read ${this.#what}: ${is}`);
  }
}
