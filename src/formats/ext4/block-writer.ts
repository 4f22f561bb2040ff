import type { WritableStorage } from "../../bytes/index.ts";
import type { Run } from "./free-runs.ts";
import { BLOCK } from "./geometry.ts";

/** Bytes that are gathered before they are written: large writes cost a third of small ones. */
const BATCH_BYTES = 1 << 20;
/** From here on bytes are written from where they are, without a copy. */
const DIRECT_BYTES = 256 << 10;

/** Gives the next run of blocks to fill, or throws. */
export type RunSource = () => Run;

/**
 * Puts blocks one after the other into the runs that a source gives, and gathers neighbours
 * into large writes.
 */
export class BlockWriter {
  readonly #storage: WritableStorage;
  readonly #nextRun: RunSource;
  readonly #batch = new Uint8Array(BATCH_BYTES);
  /** Bytes in the batch, and the block that its first byte belongs to. */
  #filled = 0;
  #batchStart = 0;
  /** Next block to fill, and the end of its run. */
  #next = 0;
  #runEnd = 0;

  constructor(storage: WritableStorage, nextRun: RunSource) {
    this.#storage = storage;
    this.#nextRun = nextRun;
  }

  /** The block that {@link append} fills next. */
  nextBlock(): number {
    if (this.#next === this.#runEnd) this.#startRun();
    return this.#next;
  }

  /**
   * Writes as many of the `count` whole blocks at `bytes[offset]` as lie together.
   * Returns where they went; the caller goes on with the rest.
   */
  append(bytes: Uint8Array, offset: number, count: number): Run {
    const start = this.nextBlock();
    const inRun = Math.min(count, this.#runEnd - start);
    const direct = this.#filled === 0 && inRun * BLOCK >= DIRECT_BYTES;
    const length = direct ? inRun : Math.min(inRun, (BATCH_BYTES - this.#filled) / BLOCK);
    const chunk = bytes.subarray(offset, offset + length * BLOCK);
    if (direct) this.#storage.writeAt(chunk, start * BLOCK);
    else this.#gather(chunk);
    this.#next = start + length;
    return { start, length };
  }

  /** Writes what is gathered. */
  flush(): void {
    if (this.#filled === 0) return;
    const bytes = this.#batch.subarray(0, this.#filled);
    this.#filled = 0;
    this.#storage.writeAt(bytes, this.#batchStart * BLOCK);
  }

  /** Writes what is gathered and gives up the current run; returns what of it is unused. */
  endRun(): Run {
    this.flush();
    const rest = { start: this.#next, length: this.#runEnd - this.#next };
    this.#next = 0;
    this.#runEnd = 0;
    return rest;
  }

  #startRun(): void {
    this.flush();
    const { start, length } = this.#nextRun();
    this.#next = start;
    this.#runEnd = start + length;
  }

  #gather(chunk: Uint8Array): void {
    if (this.#filled === 0) this.#batchStart = this.#next;
    this.#batch.set(chunk, this.#filled);
    this.#filled += chunk.length;
    if (this.#filled === BATCH_BYTES) this.flush();
  }
}
