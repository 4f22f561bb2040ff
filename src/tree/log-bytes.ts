import { WickError } from "../errors/index.ts";

/** Chunks grow with what is in front of them: most layers of an image are small. */
const MIN_CHUNK_BYTES = 1 << 14;
const MAX_CHUNK_BYTES = 1 << 20;
/** Bits of a byte that hold a part of a number; the highest says that another byte follows. */
const PART = 0x80;

/** Whole chunks of records; a chunk ends where a record ends. */
interface Chunk {
  readonly bytes: Uint8Array;
  readonly length: number;
}

/** Writes records of numbers and byte strings, in chunks that are let go as they are read. */
export class LogWriter {
  #chunks: Chunk[] = [];
  #current = new Uint8Array(MIN_CHUNK_BYTES);
  #at = 0;
  /** Where the record begins that is being written. */
  #recordStart = 0;
  #wholeBytes = 0;

  /** Bytes in whole chunks, and in the one being written. */
  get length(): number {
    return this.#wholeBytes + this.#at;
  }

  byte(value: number): void {
    this.#reserve(1);
    this.#current[this.#at++] = value;
  }

  /** A whole number from 0 to 2^53 − 1. */
  number(value: number): void {
    if (!Number.isSafeInteger(value) || value < 0) {
      throw new WickError("INTERNAL", `Cannot keep an entry: one of its numbers is ${value}`);
    }
    this.#reserve(8);
    let rest = value;
    for (; rest >= PART; rest = Math.floor(rest / PART)) {
      this.#current[this.#at++] = (rest % PART) | PART;
    }
    this.#current[this.#at++] = rest;
  }

  int32(value: number): void {
    this.#reserve(4);
    for (let shift = 0; shift < 32; shift += 8) this.#current[this.#at++] = value >>> shift;
  }

  bytes(bytes: Uint8Array): void {
    this.number(bytes.length);
    this.#reserve(bytes.length);
    this.#current.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  endRecord(): void {
    this.#recordStart = this.#at;
  }

  /** A reader at the beginning of each record in turn; it must be read whole. */
  *take(): Generator<LogReader> {
    this.#endChunk();
    const chunks = this.#chunks.reverse();
    this.#chunks = [];
    this.#current = new Uint8Array(0);
    for (let chunk = chunks.pop(); chunk !== undefined; chunk = chunks.pop()) {
      const reader = new LogReader(chunk.bytes);
      while (reader.at < chunk.length) yield reader;
    }
    this.#wholeBytes = 0;
  }

  /** Makes room for `count` bytes; the record that has begun moves along to a new chunk. */
  #reserve(count: number): void {
    if (this.#at + count <= this.#current.length) return;
    const begun = this.#current.subarray(this.#recordStart, this.#at);
    const usual = Math.min(MAX_CHUNK_BYTES, Math.max(MIN_CHUNK_BYTES, this.length));
    const grown = new Uint8Array(Math.max(usual, 2 * (begun.length + count)));
    grown.set(begun);
    this.#at = this.#recordStart;
    this.#endChunk();
    this.#current = grown;
    this.#at = begun.length;
  }

  #endChunk(): void {
    if (this.#at > 0) this.#chunks.push({ bytes: this.#current, length: this.#at });
    this.#wholeBytes += this.#at;
    this.#at = 0;
    this.#recordStart = 0;
  }
}

/** Reads what {@link LogWriter} wrote. */
export class LogReader {
  readonly #bytes: Uint8Array;
  at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  byte(): number {
    return this.#bytes[this.at++]!;
  }

  number(): number {
    let value = 0;
    for (let weight = 1; ; weight *= PART) {
      const byte = this.byte();
      if (byte < PART) return value + byte * weight;
      value += (byte - PART) * weight;
    }
  }

  int32(): number {
    let value = 0;
    for (let shift = 0; shift < 32; shift += 8) value |= this.byte() << shift;
    return value;
  }

  /** A copy. */
  bytes(): Uint8Array<ArrayBuffer> {
    const length = this.number();
    this.at += length;
    return this.#bytes.slice(this.at - length, this.at);
  }
}
