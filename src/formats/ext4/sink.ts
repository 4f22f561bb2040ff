import { isZero, type Storage } from "../../bytes/index.ts";
import { WickError } from "../../errors/index.ts";
import { NO_PLACE, type Place, type Sink } from "../../tree/index.ts";
import { WORTH_REUSING, type Allocator } from "./allocator.ts";
import { BlockWriter, type RunSource } from "./block-writer.ts";
import { FileExtents, type FileRun } from "./file-extents.ts";
import { BLOCK } from "./geometry.ts";

/** Longest file: 2^32 − 1 blocks (ext4_max_size with extents). */
export const FILE_BYTES_MAX = (2 ** 32 - 1) * BLOCK;

/**
 * Puts files' bytes into the image as they come: each block once, at its final place. Blocks
 * of zeros are left out and become holes. A place is the file's number in `extents`.
 */
export class Ext4Sink implements Sink {
  readonly extents = new FileExtents();
  readonly #storage: Storage;
  readonly #writer: BlockWriter;
  readonly #allocator: Pick<Allocator, "giveBack" | "returnRest">;
  /** Whether blocks were given back that the next file should go to. */
  #mayReuse = false;
  /** The file that is open, and how many of its bytes came so far. */
  #place: Place = NO_PLACE;
  #position = 0;
  /** The block that is not full yet: the `#position % BLOCK` bytes that it has. */
  readonly #partial = new Uint8Array(BLOCK);

  constructor(
    storage: Storage,
    nextRun: RunSource,
    allocator: Pick<Allocator, "giveBack" | "returnRest">,
  ) {
    this.#storage = storage;
    this.#writer = new BlockWriter(storage, nextRun);
    this.#allocator = allocator;
  }

  begin(): void {
    if (this.#place !== NO_PLACE) {
      throw new WickError("INTERNAL", "Cannot begin a file: the one before has not ended");
    }
    if (this.#mayReuse) this.endRun();
    this.#place = this.extents.begin();
    this.#position = 0;
  }

  data(chunk: Uint8Array): void {
    this.#checkLength(chunk.length);
    let offset = this.#fillPartial(chunk);
    const whole = Math.floor((chunk.length - offset) / BLOCK);
    if (whole > 0) this.#putBlocks(chunk, offset, whole);
    offset += whole * BLOCK;
    if (offset < chunk.length) {
      this.#partial.set(chunk.subarray(offset));
      this.#position += chunk.length - offset;
    }
  }

  hole(lengthBytes: number): void {
    this.#checkLength(lengthBytes);
    const used = this.#position % BLOCK;
    const end = this.#position + lengthBytes;
    if (used > 0 && used + lengthBytes >= BLOCK) {
      this.#partial.fill(0, used);
      this.#putPartial();
      this.#partial.fill(0);
    } else {
      this.#partial.fill(0, used, Math.min(BLOCK, used + lengthBytes));
    }
    this.#position = end;
  }

  end(): Place {
    const place = this.#place;
    const used = this.#position % BLOCK;
    if (used > 0) {
      this.#partial.fill(0, used);
      this.#putPartial();
    }
    this.#place = NO_PLACE;
    if (this.#position > 0) return place;
    this.extents.forget();
    return NO_PLACE;
  }

  discard(place: Place): void {
    if (place === NO_PLACE) return;
    for (const run of this.extents.runs(place)) {
      this.#allocator.giveBack(run);
      this.#mayReuse ||= run.length >= WORTH_REUSING;
    }
  }

  read(place: Place, target: Uint8Array, position: number): void {
    target.fill(0);
    if (place === NO_PLACE) return;
    this.#writer.flush();
    const end = position + target.length;
    const { to } = this.extents.range(place);
    let index = this.extents.find(place, Math.floor(position / BLOCK));
    for (; index < to; index++) {
      const run = this.extents.run(index);
      if (run.logical * BLOCK >= end) return;
      this.#readRun(run, target, position);
    }
  }

  /** Writes what is gathered and gives up the current run: what comes next starts a new one. */
  endRun(): void {
    this.#allocator.returnRest(this.#writer.endRun());
    this.#mayReuse = false;
  }

  /** Puts a block of the file system's own, which may depend on its number; returns that. */
  putOwnBlock(encode: (blockNumber: number) => Uint8Array): number {
    const blockNumber = this.#writer.nextBlock();
    this.#writer.append(encode(blockNumber), 0, 1);
    return blockNumber;
  }

  #checkLength(more: number): void {
    if (this.#position + more <= FILE_BYTES_MAX) return;
    throw new WickError(
      "IMAGE_LIMIT",
      `Cannot add a file of more than ${FILE_BYTES_MAX} bytes: ext4 holds files up to 16 TiB less one block`,
    );
  }

  /** Adds to the block that is not full; returns how many bytes of `chunk` that took. */
  #fillPartial(chunk: Uint8Array): number {
    const used = this.#position % BLOCK;
    if (used === 0) return 0;
    const taken = Math.min(BLOCK - used, chunk.length);
    this.#partial.set(taken === chunk.length ? chunk : chunk.subarray(0, taken), used);
    this.#position += taken;
    if (used + taken === BLOCK) {
      this.#position -= BLOCK;
      this.#putBlocks(this.#partial, 0, 1);
    }
    return taken;
  }

  /** Puts the last block, which `#position` points into. */
  #putPartial(): void {
    if (isZero(this.#partial)) return;
    this.#put(this.#partial, 0, 1, Math.floor(this.#position / BLOCK));
  }

  /** Puts whole blocks, those of zeros left out; `#position` is at a block's start. */
  #putBlocks(bytes: Uint8Array, offset: number, count: number): void {
    const logical = this.#position / BLOCK;
    const zero = (i: number): boolean =>
      isZero(bytes, offset + i * BLOCK, offset + (i + 1) * BLOCK);
    for (let i = 0; i < count;) {
      let length = 0;
      while (i + length < count && !zero(i + length)) length++;
      if (length > 0) this.#put(bytes, offset + i * BLOCK, length, logical + i);
      i += length + 1; // the block after the run is one of zeros, or none
    }
    this.#position += count * BLOCK;
  }

  #put(bytes: Uint8Array, offset: number, count: number, logical: number): void {
    for (let done = 0; done < count;) {
      const run = this.#writer.append(bytes, offset + done * BLOCK, count - done);
      this.extents.add({ logical: logical + done, start: run.start, length: run.length });
      done += run.length;
    }
  }

  #readRun(run: FileRun, target: Uint8Array, position: number): void {
    const runStart = run.logical * BLOCK;
    const from = Math.max(position, runStart);
    const to = Math.min(position + target.length, runStart + run.length * BLOCK);
    if (to <= from) return;
    const part = target.subarray(from - position, to - position);
    const at = run.start * BLOCK + (from - runStart);
    if (this.#storage.readAt(part, at) !== part.length) {
      throw new WickError("INTERNAL", `Cannot read back ${part.length} bytes at ${at}: image ends`);
    }
  }
}
