import { BLOCK } from "./layout.ts";
import type { Output } from "./output.ts";

/** Blocks of a chunk in files that have holes: 64 KiB. */
export const CHUNK_BLOCKS = 16;
/**
 * Shorter stretches of zeros are written as they are (the host's file has a hole there): a file
 * with holes makes the image one for kernels from 5.15 on.
 */
const HOLE_BLOCKS = (16 << 20) / BLOCK;

/** Blocks of a file that lie together: from its block `logical` on, `length` at `start`. */
export interface Run {
  readonly logical: number;
  readonly start: number;
  length: number;
}

/** Where one file's blocks go: one behind the other, long stretches of zeros left out. */
export class Runs {
  readonly runs: Run[] = [];
  readonly #output: Output;
  /** Blocks of the file so far, the zeros at its end not counted. */
  #blocks = 0;
  /** Blocks of zeros since. */
  #zeros = 0;
  #hasHoles = false;

  constructor(output: Output) {
    this.#output = output;
  }

  /** The first block; 0 when there is none. */
  get start(): number {
    return this.runs[0]?.start ?? 0;
  }

  /** Whether the file has a hole, those included that its end would make. */
  hasHoles(): boolean {
    return this.#hasHoles || this.#zeros >= HOLE_BLOCKS;
  }

  /** Adds whole blocks. */
  data(bytes: Uint8Array): void {
    this.settle();
    this.#grow(bytes.length / BLOCK);
    this.#output.append(bytes);
  }

  zeros(blocks: number): void {
    this.#zeros += blocks;
  }

  /** Decides what becomes of the zeros at the end: blocks, or a hole of whole chunks. */
  settle(): void {
    const zeros = this.#zeros;
    this.#zeros = 0;
    if (zeros < HOLE_BLOCKS) {
      this.#skip(zeros);
      return;
    }
    const end = this.#blocks + zeros;
    this.#skip((CHUNK_BLOCKS - (this.#blocks % CHUNK_BLOCKS)) % CHUNK_BLOCKS);
    this.#hasHoles = true;
    this.#blocks = end - (end % CHUNK_BLOCKS);
    this.#skip(end - this.#blocks);
  }

  #skip(blocks: number): void {
    if (blocks === 0) return;
    this.#grow(blocks);
    this.#output.skip(blocks * BLOCK);
  }

  /** Makes the last run longer, or begins one where the image ends now. */
  #grow(blocks: number): void {
    const last = this.runs.at(-1);
    if (last !== undefined && last.logical + last.length === this.#blocks) last.length += blocks;
    else this.runs.push({ logical: this.#blocks, start: this.#output.end / BLOCK, length: blocks });
    this.#blocks += blocks;
  }
}
