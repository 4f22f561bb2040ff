import { FreeRuns, type Run } from "./free-runs.ts";
import { BLOCKS_PER_GROUP, hasSuperblock, nextSuperblockGroup } from "./geometry.ts";

/** Runs of given-back blocks that file data goes to again: shorter ones only scatter it. */
export const WORTH_REUSING = 64;

/**
 * Hands out blocks: upwards from the first, past the copies of superblock and descriptors.
 * What lies below `end` and is not in `free` is used; what lies at or above it never was and
 * reads as zeros.
 */
export class Allocator {
  /** First block that was never handed out. */
  #end: number;
  /** One past the last block there may be. */
  limit: number;
  /** Blocks of group descriptors that are kept clear after each superblock. */
  #descriptorBlocks: number;
  #free = new FreeRuns();
  /** Given-back runs of file data, long enough for file data. */
  readonly #reusable: Run[] = [];
  /** No block from here on was ever written: what was given back ends below. */
  #written = 0;
  #dataEnded = false;

  constructor(options: { readonly descriptorBlocks: number; readonly limit: number }) {
    this.#descriptorBlocks = options.descriptorBlocks;
    this.limit = options.limit;
    this.#end = this.#pastBase(0);
  }

  /** A copy to try things out with. */
  clone(): Allocator {
    const copy = new Allocator({ descriptorBlocks: this.#descriptorBlocks, limit: this.limit });
    copy.#end = this.#end;
    copy.#free = this.#free.clone();
    copy.#reusable.push(...this.#reusable);
    copy.#written = this.#written;
    copy.#dataEnded = this.#dataEnded;
    return copy;
  }

  get end(): number {
    return this.#end;
  }

  get descriptorBlocks(): number {
    return this.#descriptorBlocks;
  }

  /** Free runs below {@link end}, lowest first. */
  get free(): Iterable<Run> {
    return this.#free;
  }

  /** Takes back blocks that were handed out; they keep their old bytes. */
  giveBack(run: Run): void {
    this.#written = Math.max(this.#written, run.start + run.length);
    if (run.length >= WORTH_REUSING && !this.#dataEnded) this.#reusable.push(run);
    else this.#free.add(run);
  }

  /** A run for file data: given-back ones when long enough, else new blocks, at last anything. */
  dataRun(): Run | undefined {
    return this.#reusable.pop() ?? this.#newRun() ?? this.#free.takeRun(1);
  }

  /** A run for the file system's own small blocks: any free one, then new blocks. */
  metadataRun(): Run | undefined {
    return this.#free.takeRun(1) ?? this.#newRun();
  }

  /**
   * Returns what of a run was not used. At the end it was never handed out, unless the run had
   * been given back by another file: its old bytes must not pass for zeros.
   */
  returnRest(rest: Run): void {
    const isLast = rest.start + rest.length === this.#end;
    if (isLast && rest.start >= this.#written) this.#end = rest.start;
    else this.giveBack(rest);
  }

  /** `length` contiguous free blocks below {@link end}; they may hold old bytes. */
  takeFree(length: number): number | undefined {
    return this.#free.take(length);
  }

  /** `length` contiguous blocks at or above `from` that were never used: they read as zeros. */
  takeNew(length: number, from = 0): number | undefined {
    const before = this.#end;
    let start = Math.max(before, from);
    for (;;) {
      start = this.#pastBase(start);
      const barrier = this.#nextBase(start);
      if (start + length <= barrier) break;
      start = barrier;
    }
    if (start + length > this.limit) return undefined;
    this.#setAside(before, start);
    this.#end = start + length;
    return start;
  }

  /** Fixes how many descriptor blocks there are in the end; the rest becomes free. */
  shrinkDescriptors(descriptorBlocks: number): void {
    const spare = this.#descriptorBlocks - descriptorBlocks;
    for (let group = 0; group * BLOCKS_PER_GROUP < this.#end;) {
      const start = group * BLOCKS_PER_GROUP + 1 + descriptorBlocks;
      this.#free.add({ start, length: spare });
      group = nextSuperblockGroup(group + 1);
    }
    this.#descriptorBlocks = descriptorBlocks;
  }

  /** From now on everything that was given back is free alike. */
  endData(): void {
    this.#dataEnded = true;
    for (const run of this.#reusable.splice(0)) this.#free.add(run);
  }

  #newRun(): Run | undefined {
    const start = this.#pastBase(this.#end);
    const end = Math.min(this.#nextBase(start), this.limit);
    if (start >= end) return undefined;
    this.#end = end;
    return { start, length: end - start };
  }

  /** Blocks between the old and the new end that are no group's base are free. */
  #setAside(from: number, to: number): void {
    for (let start = from; start < to;) {
      start = this.#pastBase(start);
      const end = Math.min(this.#nextBase(start), to);
      this.#free.add({ start, length: end - start });
      start = end;
    }
  }

  /** `block`, or the end of the superblock and descriptors that it lies in. */
  #pastBase(block: number): number {
    const group = Math.floor(block / BLOCKS_PER_GROUP);
    if (!hasSuperblock(group)) return block;
    return Math.max(block, group * BLOCKS_PER_GROUP + 1 + this.#descriptorBlocks);
  }

  /** Start of the next group after `block` that has a superblock. */
  #nextBase(block: number): number {
    const group = Math.floor(block / BLOCKS_PER_GROUP);
    return nextSuperblockGroup(group + 1) * BLOCKS_PER_GROUP;
  }
}
