import { BLOCK } from "./layout.ts";

/** Gathers one block from chunks; a block that lies whole in a chunk is not copied. */
export class BlockBuffer {
  /** Bytes gathered of the block that is not whole yet. */
  length = 0;
  readonly #bytes = new Uint8Array(BLOCK);
  #whole = false;

  /** Takes what the block needs from `chunk` and returns where that ends. */
  fill(chunk: Uint8Array, at: number): number {
    this.#whole = this.length === 0 && chunk.length - at >= BLOCK;
    if (this.#whole) return at + BLOCK;
    const end = Math.min(chunk.length, at + BLOCK - this.length);
    this.#bytes.set(chunk.subarray(at, end), this.length);
    this.length += end - at;
    return end;
  }

  /** The block once it is whole, valid until the next `fill`. */
  take(chunk: Uint8Array, at: number): Uint8Array | undefined {
    if (this.#whole) return chunk.subarray(at, at + BLOCK);
    if (this.length < BLOCK) return undefined;
    this.length = 0;
    return this.#bytes;
  }
}
