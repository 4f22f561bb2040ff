import { float64Column, type Storage } from "../bytes/index.ts";
import { NO_PLACE, type Place, type Sink } from "./sink.ts";

/** Bytes that are gathered before they are written. */
const BATCH_BYTES = 1 << 20;

/**
 * Keeps files' bytes one behind the other in a storage of their own, for formats that are
 * written when all is known. Holes are not written. A place is the file's number.
 */
export class SpoolSink implements Sink {
  readonly #storage: Storage;
  readonly #starts = float64Column();
  readonly #batch = new Uint8Array(BATCH_BYTES);
  #filled = 0;
  #batchStart = 0;
  #start = 0;

  constructor(storage: Storage) {
    this.#storage = storage;
  }

  begin(): void {
    this.#start = this.#end;
  }

  data(chunk: Uint8Array): void {
    for (let done = 0; done < chunk.length;) {
      const part = chunk.subarray(done, done + BATCH_BYTES - this.#filled);
      this.#batch.set(part, this.#filled);
      this.#filled += part.length;
      done += part.length;
      if (this.#filled === BATCH_BYTES) this.#flush();
    }
  }

  hole(lengthBytes: number): void {
    this.#flush();
    this.#batchStart += lengthBytes;
  }

  end(): Place {
    return this.#end === this.#start ? NO_PLACE : this.#starts.push(this.#start);
  }

  /** What is replaced stays until all goes. */
  discard(): void {}

  read(place: Place, target: Uint8Array, position: number): void {
    target.fill(0);
    if (place === NO_PLACE) return;
    this.#flush();
    this.#storage.readAt(target, this.#starts.get(place) + position);
  }

  get #end(): number {
    return this.#batchStart + this.#filled;
  }

  #flush(): void {
    if (this.#filled > 0) {
      this.#storage.writeAt(this.#batch.subarray(0, this.#filled), this.#batchStart);
    }
    this.#batchStart += this.#filled;
    this.#filled = 0;
  }
}
