import { alignUp } from "../../bytes/index.ts";
import { chunkIndex } from "./layout.ts";
import { CHUNK_FORMAT, LAYOUT, NULL_ADDR } from "./layout-flags.ts";
import type { ErofsInode } from "./reader-inodes.ts";
import type { Volume } from "./reader-volume.ts";

/** The bytes of one inode. */
export interface Contents {
  /** Fills all of `target` from byte `position`, holes as zeros; the caller stays inside i_size. */
  read(target: Uint8Array, position: number): void;
}

const HINT = "mount it, or build it without --compression";

/** The contents of `inode`. Errors: UNSUPPORTED when they are compressed. */
export function contentsOf(volume: Volume, inode: ErofsInode): Contents {
  const { layout, nid } = inode;
  if (layout === LAYOUT.CHUNK_BASED) return new ChunkContents(volume, inode);
  if (layout === LAYOUT.FLAT_PLAIN || layout === LAYOUT.FLAT_INLINE) {
    return new FlatContents(volume, inode);
  }
  throw volume.unsupported(`the contents of inode ${nid} are compressed`, HINT);
}

/** Blocks in one piece, and with FLAT_INLINE the last one behind the inode. */
class FlatContents implements Contents {
  readonly #volume: Volume;
  readonly #what: string;
  readonly #start: number;
  readonly #tail: number;
  /** Bytes before the tail. */
  readonly #whole: number;

  constructor(volume: Volume, inode: ErofsInode) {
    const { blockSize } = volume.geometry;
    const { size, end, union, layout, nid } = inode;
    this.#volume = volume;
    this.#what = `inode ${nid}`;
    this.#start = union * blockSize;
    this.#tail = end;
    const inline = layout === LAYOUT.FLAT_INLINE && size > 0;
    this.#whole = inline ? (Math.ceil(size / blockSize) - 1) * blockSize : size;
    if (this.#whole > 0) volume.check(this.#start, this.#whole, this.#what);
    if (inline && (end % blockSize) + size - this.#whole > blockSize) {
      throw volume.invalid(`${this.#what} has an end that lies across two blocks`);
    }
    volume.check(end, size - this.#whole, this.#what);
  }

  read(target: Uint8Array, position: number): void {
    const inWhole = Math.max(0, Math.min(target.length, this.#whole - position));
    const whole = target.subarray(0, inWhole);
    if (inWhole > 0) this.#volume.readAt(whole, this.#start + position, this.#what);
    const rest = target.subarray(inWhole);
    const tail = this.#tail + position + inWhole - this.#whole;
    if (rest.length > 0) this.#volume.readAt(rest, tail, this.#what);
  }
}

/** Chunks of one size, each with a block number or none: a hole. */
class ChunkContents implements Contents {
  readonly #volume: Volume;
  readonly #what: string;
  readonly #chunkBytes: number;
  readonly #table: number;
  /** Bytes of one address: a block number, or an index with a device. */
  readonly #unit: number;

  constructor(volume: Volume, inode: ErofsInode) {
    const { blockSize } = volume.geometry;
    const { union, end, size, nid } = inode;
    const known = CHUNK_FORMAT.BITS | CHUNK_FORMAT.INDEXES;
    this.#volume = volume;
    this.#what = `inode ${nid}`;
    if ((union & 0xffff & ~known) !== 0) {
      throw volume.invalid(`${this.#what} has the chunk format ${union & 0xffff}`);
    }
    this.#chunkBytes = blockSize * 2 ** (union & CHUNK_FORMAT.BITS);
    this.#unit = (union & CHUNK_FORMAT.INDEXES) === 0 ? 4 : chunkIndex.sizeBytes;
    this.#table = alignUp(end, this.#unit);
    const tableBytes = Math.ceil(size / this.#chunkBytes) * this.#unit;
    volume.check(this.#table, tableBytes, `the chunk table of ${this.#what}`);
  }

  read(target: Uint8Array, position: number): void {
    for (let done = 0; done < target.length;) {
      const number = Math.floor((position + done) / this.#chunkBytes);
      const within = (position + done) % this.#chunkBytes;
      const part = target.subarray(done, done + this.#chunkBytes - within);
      const start = this.#address(number);
      if (start === undefined) part.fill(0);
      else this.#volume.readAt(part, start + within, this.#what);
      done += part.length;
    }
  }

  /** Byte at which a chunk lies; undefined for a hole. */
  #address(number: number): number | undefined {
    const position = this.#table + number * this.#unit;
    const bytes = this.#volume.bytes(position, this.#unit, `the chunk table of ${this.#what}`);
    const view = new DataView(bytes.buffer);
    const block = view.getUint32(this.#unit - 4, true);
    if (block === NULL_ADDR) return undefined;
    if (this.#unit > 4 && chunkIndex.read(bytes).device_id !== 0) {
      throw this.#volume.unsupported(`${this.#what} lies in another file`, HINT);
    }
    return block * this.#volume.geometry.blockSize;
  }
}
