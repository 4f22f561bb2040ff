import { WickError } from "../../errors/index.ts";
import type { Storage } from "../../bytes/index.ts";
import { BLOCK } from "./layout.ts";

/** Bytes that are gathered before they are written: large writes cost a third of small ones. */
const BATCH_BYTES = 1 << 20;
/** From here on bytes are written from where they are, without a copy. */
const DIRECT_BYTES = 256 << 10;
/** Zeros from here on are not written: the host's file has a hole there. */
const SKIP_BYTES = 64 << 10;
/** Block numbers have 32 bits, the last means none. */
const BLOCKS_MAX = 2 ** 32 - 1;

/** The image as it grows: whole blocks at its end, gathered into large writes. */
export class Output {
  readonly #storage: Storage;
  readonly #batch = new Uint8Array(BATCH_BYTES);
  #filled = 0;
  /** Byte of the image that the batch begins at. */
  #batchStart = 0;

  constructor(storage: Storage) {
    this.#storage = storage;
  }

  /** Bytes of the image so far. */
  get end(): number {
    return this.#batchStart + this.#filled;
  }

  /** Adds whole blocks. */
  append(bytes: Uint8Array): void {
    this.#checkRoom(bytes.length);
    if (this.#filled === 0 && bytes.length >= DIRECT_BYTES) {
      this.#storage.writeAt(bytes, this.#batchStart);
      this.#batchStart += bytes.length;
      return;
    }
    for (let done = 0; done < bytes.length;) {
      const part = bytes.subarray(done, done + BATCH_BYTES - this.#filled);
      this.#batch.set(part, this.#filled);
      this.#filled += part.length;
      done += part.length;
      if (this.#filled === BATCH_BYTES) this.flush();
    }
  }

  /** Adds whole blocks of zeros; returns the byte at which they begin. */
  skip(lengthBytes: number): number {
    this.#checkRoom(lengthBytes);
    const start = this.end;
    if (lengthBytes >= SKIP_BYTES || this.#filled + lengthBytes > BATCH_BYTES) {
      this.flush();
      this.#batchStart += lengthBytes;
    } else {
      this.#batch.fill(0, this.#filled, this.#filled + lengthBytes);
      this.#filled += lengthBytes;
    }
    return start;
  }

  /** Writes into blocks that are there already. */
  patch(bytes: Uint8Array, position: number): void {
    const inBatch = position - this.#batchStart;
    if (inBatch >= 0) this.#batch.set(bytes, inBatch);
    else if (inBatch + bytes.length <= 0) this.#storage.writeAt(bytes, position);
    else {
      this.flush();
      this.#storage.writeAt(bytes, position);
    }
  }

  /** Fills `target` with what is there; what was skipped reads as zeros. */
  read(target: Uint8Array, position: number): void {
    this.flush();
    target.fill(0);
    this.#storage.readAt(target, position);
  }

  /** Writes what is gathered. */
  flush(): void {
    if (this.#filled === 0) return;
    const bytes = this.#batch.subarray(0, this.#filled);
    const start = this.#batchStart;
    this.#batchStart += this.#filled;
    this.#filled = 0;
    this.#storage.writeAt(bytes, start);
  }

  /** Ends the image where it is. */
  finish(): void {
    this.flush();
    this.#storage.setSize(this.end);
  }

  #checkRoom(more: number): void {
    if (this.end + more <= BLOCKS_MAX * BLOCK) return;
    throw new WickError(
      "IMAGE_LIMIT",
      "Cannot add more to the image: EROFS holds 16 TiB less one block",
    );
  }
}
