import type { FileStorage } from "../../host/index.ts";

/** Bytes that are gathered before they are written. */
const BATCH_BYTES = 1 << 20;

/** Writes bytes one behind the other, from a file's start on; `flush` ends it. */
export class Appended {
  readonly #storage: FileStorage;
  readonly #batch = new Uint8Array(BATCH_BYTES);
  #filled = 0;
  #written = 0;

  constructor(storage: FileStorage) {
    this.#storage = storage;
  }

  get sizeBytes(): number {
    return this.#written + this.#filled;
  }

  write(bytes: Uint8Array): void {
    for (let done = 0; done < bytes.length;) {
      const part = bytes.subarray(done, done + BATCH_BYTES - this.#filled);
      this.#batch.set(part, this.#filled);
      this.#filled += part.length;
      done += part.length;
      if (this.#filled === BATCH_BYTES) this.flush();
    }
  }

  flush(): void {
    if (this.#filled === 0) return;
    this.#storage.writeAt(this.#batch.subarray(0, this.#filled), this.#written);
    this.#written += this.#filled;
    this.#filled = 0;
  }
}
