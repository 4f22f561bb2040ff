import type { ReadableStorage } from "../../bytes/index.ts";
import { WickError } from "../../errors/index.ts";
import { BlockCache } from "../block-cache.ts";
import { readSuperblock, type ErofsGeometry } from "./reader-superblock.ts";

/** The bytes of an image: every position checked, the last blocks of metadata kept. */
export class Volume {
  readonly geometry: ErofsGeometry;
  readonly sizeBytes: number;
  readonly #storage: ReadableStorage;
  readonly #what: string;
  readonly #cache = new BlockCache();

  constructor(storage: ReadableStorage, what: string) {
    this.#storage = storage;
    this.#what = what;
    this.geometry = readSuperblock(storage, what);
    this.sizeBytes = this.geometry.blocks * this.geometry.blockSize;
  }

  /** A copy of `length` bytes of metadata at `position`. `part` names them in errors. */
  bytes(position: number, length: number, part: string): Uint8Array {
    this.check(position, length, part);
    const { blockSize } = this.geometry;
    const target = new Uint8Array(length);
    for (let done = 0; done < length;) {
      const within = (position + done) % blockSize;
      const block = this.#block((position + done - within) / blockSize, part);
      const piece = block.subarray(within, within + length - done);
      target.set(piece, done);
      done += piece.length;
    }
    return target;
  }

  /** Fails unless `length` bytes from `position` lie inside the image. */
  check(position: number, length: number, part: string): void {
    if (position >= 0 && position + length <= this.sizeBytes) return;
    throw this.invalid(`${part} is said to lie at byte ${position}, of ${this.sizeBytes}`);
  }

  /** Fills `target` from `position`. */
  readAt(target: Uint8Array, position: number, part: string): void {
    this.check(position, target.length, part);
    const count = this.#storage.readAt(target, position);
    if (count < target.length) throw this.invalid(`${part} at byte ${position} is cut off`);
  }

  invalid(is: string): WickError {
    return new WickError("IMAGE_INVALID", `Cannot read ${this.#what}: ${is}`);
  }

  unsupported(is: string, hint: string): WickError {
    return new WickError("UNSUPPORTED", `Cannot read ${this.#what}: ${is}`, { hint });
  }

  limit(is: string): WickError {
    return new WickError("IMAGE_LIMIT", `Cannot read ${this.#what}: ${is}`);
  }

  #block(number: number, part: string): Uint8Array {
    return this.#cache.get(number, () => {
      const bytes = new Uint8Array(this.geometry.blockSize);
      this.readAt(bytes, number * bytes.length, part);
      return bytes;
    });
  }
}
