import { float64Column, isZero, uint32Column } from "../../bytes/index.ts";
import { WickError } from "../../errors/index.ts";
import { NO_PLACE, type Place, type Sink } from "../../tree/index.ts";
import { BLOCK, inodeExtended } from "./layout.ts";
import type { Output } from "./output.ts";
import { Runs, type Run } from "./runs.ts";
import type { Slots } from "./slots.ts";

/** The longest end of a file that fits behind its inode. */
export const TAIL_MAX = BLOCK - inodeExtended.sizeBytes;

/**
 * Puts files' bytes into the image as they come: whole blocks in one piece, what is left
 * behind the room for the file's inode. Zeros of 16 MiB and more become holes. A place is the
 * file's number.
 */
export class ErofsSink implements Sink {
  readonly #output: Output;
  readonly #slots: Slots;
  /** First block of each file. */
  readonly #starts = uint32Column();
  /** Byte of the inode that the file's tail stands behind; 0 = it has none. */
  readonly #inodes = float64Column();
  readonly #sizes = float64Column();
  /** Of the few files that have holes. */
  readonly #runs = new Map<Place, readonly Run[]>();
  #current: Runs | undefined;
  #position = 0;
  /** The block that is not full yet: the `#position % BLOCK` bytes that it has. */
  readonly #partial = new Uint8Array(BLOCK);

  constructor(output: Output, slots: Slots) {
    this.#output = output;
    this.#slots = slots;
  }

  begin(): void {
    if (this.#current !== undefined) {
      throw new WickError("INTERNAL", "Cannot begin a file: the one before has not ended");
    }
    this.#current = new Runs(this.#output);
    this.#position = 0;
  }

  data(chunk: Uint8Array): void {
    let offset = this.#fillPartial(chunk);
    const whole = Math.floor((chunk.length - offset) / BLOCK);
    this.#putBlocks(chunk, offset, whole);
    offset += whole * BLOCK;
    if (offset < chunk.length) {
      this.#partial.set(chunk.subarray(offset));
      this.#position += chunk.length - offset;
    }
  }

  hole(lengthBytes: number): void {
    const used = this.#position % BLOCK;
    const inPartial = Math.min(BLOCK - used, lengthBytes);
    if (used > 0) {
      this.#partial.fill(0, used, used + inPartial);
      if (used + inPartial === BLOCK) this.#put(this.#partial);
    }
    const rest = lengthBytes - (used > 0 ? inPartial : 0);
    this.#current!.zeros(Math.floor(rest / BLOCK));
    this.#position += lengthBytes;
    // What begins a block here is zeros so far.
    if (rest % BLOCK > 0) this.#partial.fill(0, 0, rest % BLOCK);
  }

  end(): Place {
    const runs = this.#current!;
    this.#current = undefined;
    if (this.#position === 0) return NO_PLACE;
    const tail = this.#partial.subarray(0, this.#position % BLOCK);
    const inline = tail.length > 0 && tail.length <= TAIL_MAX && !runs.hasHoles();
    if (tail.length > 0 && !inline) {
      this.#partial.fill(0, tail.length);
      putBlock(runs, this.#partial);
    }
    runs.settle();
    const slot = inline ? this.#putTail(tail) : 0;
    const place = this.#starts.push(runs.start);
    this.#inodes.push(slot);
    this.#sizes.push(this.#position);
    if (runs.hasHoles()) this.#runs.set(place, runs.runs);
    return place;
  }

  /** Nothing can be given back: what comes next is longer or shorter. */
  discard(): void {}

  read(place: Place, target: Uint8Array, position: number): void {
    target.fill(0);
    if (place === NO_PLACE) return;
    this.#slots.flush();
    const size = this.#sizes.get(place);
    const wholeBytes = this.inodeAt(place) > 0 ? size - (size % BLOCK) : size;
    for (const run of this.runs(place)) {
      this.#readPiece(target, position, {
        logical: run.logical * BLOCK,
        at: run.start * BLOCK,
        end: Math.min(wholeBytes, (run.logical + run.length) * BLOCK),
      });
    }
    const at = this.inodeAt(place) + inodeExtended.sizeBytes;
    this.#readPiece(target, position, { logical: wholeBytes, at, end: size });
  }

  /** First block of a file without holes. */
  startBlock(place: Place): number {
    return place === NO_PLACE ? 0 : this.#starts.get(place);
  }

  /** Byte of the inode that a tail stands behind; 0 = none. */
  inodeAt(place: Place): number {
    return place === NO_PLACE ? 0 : this.#inodes.get(place);
  }

  hasHoles(place: Place): boolean {
    return this.#runs.has(place);
  }

  /** Where a file's blocks lie. */
  runs(place: Place): readonly Run[] {
    const size = this.#sizes.get(place);
    const whole = { logical: 0, start: this.#starts.get(place), length: Math.ceil(size / BLOCK) };
    return this.#runs.get(place) ?? [whole];
  }

  #putTail(tail: Uint8Array): number {
    const { sizeBytes } = inodeExtended;
    return this.#slots.put(sizeBytes + tail.length, tail, sizeBytes);
  }

  /** Adds to the block that is not full; returns how many bytes of `chunk` that took. */
  #fillPartial(chunk: Uint8Array): number {
    const used = this.#position % BLOCK;
    if (used === 0) return 0;
    const taken = Math.min(BLOCK - used, chunk.length);
    this.#partial.set(taken === chunk.length ? chunk : chunk.subarray(0, taken), used);
    this.#position += taken;
    if (used + taken === BLOCK) this.#put(this.#partial);
    return taken;
  }

  #put(block: Uint8Array): void {
    putBlock(this.#current!, block);
  }

  /** Puts `count` whole blocks; those of zeros are only counted. */
  #putBlocks(bytes: Uint8Array, offset: number, count: number): void {
    const zero = (i: number): boolean =>
      isZero(bytes, offset + i * BLOCK, offset + (i + 1) * BLOCK);
    for (let i = 0; i < count;) {
      let length = 0;
      while (i + length < count && !zero(i + length)) length++;
      if (length > 0) {
        this.#current!.data(bytes.subarray(offset + i * BLOCK, offset + (i + length) * BLOCK));
      }
      i += length;
      if (i < count) this.#current!.zeros(1);
      i++;
    }
    this.#position += count * BLOCK;
  }

  /** Reads what a piece of the file has in common with `target`, which begins at `position`. */
  #readPiece(
    target: Uint8Array,
    position: number,
    piece: { readonly logical: number; readonly at: number; readonly end: number },
  ): void {
    const from = Math.max(position, piece.logical);
    const to = Math.min(position + target.length, piece.end);
    if (to <= from) return;
    const part = target.subarray(from - position, to - position);
    this.#output.read(part, piece.at + from - piece.logical);
  }
}

function putBlock(runs: Runs, block: Uint8Array): void {
  if (isZero(block)) runs.zeros(1);
  else runs.data(block);
}
