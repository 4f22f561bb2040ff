import { oldgnu_header, sparse, sparse_header } from "./layout.ts";
import { readDecimal, readNumber, type Field } from "./numbers.ts";
import type { Where } from "./where.ts";

/** Data of sparse files lies in whole blocks in the archive. */
const UNIT = 512;
const NEWLINE = 0x0a;
/** Digits of 2^53, and some leading zeros. */
const MAX_NUMBER_BYTES = 20;

/** The stretches of a sparse file that have data, in order; all else is holes. */
export class SparseMap {
  readonly offsets: number[] = [];
  readonly lengths: number[] = [];
  /** Bytes of data in all. */
  dataBytes = 0;
  #end = 0;

  /** Adds a stretch, which must lie behind all before it. */
  add(offset: number, length: number, where: Where): void {
    const last = this.lengths.at(-1) ?? 0;
    if (offset < this.#end || length < 0) {
      throw where.invalid("its sparse map overlaps itself or is out of order");
    }
    // GNU tar pads each stretch to whole blocks, others do not: only then do they agree.
    if (length > 0 && last % UNIT !== 0) {
      throw where.invalid(`its sparse map has ${last} bytes between others, wanted whole blocks`);
    }
    this.#end = offset + length;
    this.dataBytes += length;
    if (length === 0) return;
    this.offsets.push(offset);
    this.lengths.push(length);
  }

  /** Checks the map against the file's real size and the data in the archive, in bytes. */
  check(realSize: number, archivedBytes: number, where: Where): void {
    if (this.#end > realSize) {
      throw where.invalid(`its sparse map ends at ${this.#end}, the file at ${realSize} bytes`);
    }
    if (this.dataBytes !== archivedBytes) {
      throw where.invalid(
        `its sparse map has ${this.dataBytes} bytes of data, the archive ${archivedBytes}`,
      );
    }
  }
}

const REALSIZE: Field = {
  name: "realsize",
  start: oldgnu_header.offsets.realsize,
  end: oldgnu_header.offsets.realsize + 12,
};

/** The real size in a type S header. */
export function readRealSize(block: Uint8Array, where: Where): number {
  const size = readNumber(block, REALSIZE, where);
  if (size < 0) throw where.invalid(`its real size is negative (${size})`);
  return size;
}

/** Reads what a type S header has of the map; true when an extension header follows. */
export function readOldMap(block: Uint8Array, map: SparseMap, where: Where): boolean {
  readOldEntries(
    block.subarray(oldgnu_header.offsets.sp, oldgnu_header.offsets.isextended),
    map,
    where,
  );
  return block[oldgnu_header.offsets.isextended] !== 0;
}

/** Reads an extension header; true when another one follows. */
export function readOldExtension(block: Uint8Array, map: SparseMap, where: Where): boolean {
  readOldEntries(block.subarray(0, sparse_header.offsets.isextended), map, where);
  return block[sparse_header.offsets.isextended] !== 0;
}

function readOldEntries(entries: Uint8Array, map: SparseMap, where: Where): void {
  for (let i = 0; i + sparse.sizeBytes <= entries.length; i += sparse.sizeBytes) {
    const numbytesAt = i + sparse.offsets.numbytes;
    const ends = entries[numbytesAt] === 0;
    if (ends !== (entries[i] === 0)) throw where.invalid("its sparse map has half an entry");
    if (ends) return;
    const offset = readNumber(entries, { name: "offset", start: i, end: numbytesAt }, where);
    const numbytes = { name: "numbytes", start: numbytesAt, end: i + sparse.sizeBytes };
    map.add(offset, readNumber(entries, numbytes, where), where);
  }
}

/** A map from formats 0.0 and 0.1: offsets and lengths in turns. */
export function mapOf(numbers: readonly string[], wantedPairs: number, where: Where): SparseMap {
  const map = new SparseMap();
  if (numbers.length !== wantedPairs * 2) {
    throw where.invalid(`its sparse map has ${numbers.length / 2} parts, wanted ${wantedPairs}`);
  }
  for (let i = 0; i < numbers.length; i += 2) {
    const offset = readDecimal(numbers[i]!, "sparse offset", where);
    map.add(offset, readDecimal(numbers[i + 1]!, "sparse length", where), where);
  }
  return map;
}

/** Format 1.0: the map stands before the data, as decimal lines padded to whole blocks. */
export class SparseMapReader {
  readonly map = new SparseMap();
  #wanted = -1;
  #offset = -1;
  #digits = "";

  /** Takes the next block; true when the map is complete. */
  push(block: Uint8Array, where: Where): boolean {
    for (const byte of block) {
      if (byte !== NEWLINE) this.#digits += String.fromCharCode(byte);
      else if (this.#number(readDecimal(this.#digits, "sparse map", where), where)) return true;
      else this.#digits = "";
      if (this.#digits.length > MAX_NUMBER_BYTES) {
        throw where.invalid("its sparse map is not lines of numbers");
      }
    }
    return false;
  }

  /** The first number says how many pairs follow; true after the last. */
  #number(value: number, where: Where): boolean {
    if (this.#wanted < 0) this.#wanted = value;
    else if (this.#offset < 0) this.#offset = value;
    else {
      this.map.add(this.#offset, value, where);
      this.#offset = -1;
      this.#wanted--;
    }
    return this.#wanted === 0 && this.#offset < 0;
  }
}
