import { BLOCK } from "./layout.ts";
import type { Output } from "./output.ts";

/** Writes small pieces into blocks that are there, block by block: give them in rising order. */
export class BlockEditor {
  readonly #output: Output;
  readonly #bytes = new Uint8Array(BLOCK);
  /** Byte at which the block in hand begins; -1 = none. */
  #start = -1;

  constructor(output: Output) {
    this.#output = output;
  }

  write(bytes: Uint8Array, position: number): void {
    for (let done = 0; done < bytes.length;) {
      const offset = (position + done) % BLOCK;
      this.#load(position + done - offset);
      const part = bytes.subarray(done, done + BLOCK - offset);
      this.#bytes.set(part, offset);
      done += part.length;
    }
  }

  flush(): void {
    if (this.#start >= 0) this.#output.patch(this.#bytes, this.#start);
    this.#start = -1;
  }

  #load(start: number): void {
    if (this.#start === start) return;
    this.flush();
    this.#output.read(this.#bytes, start);
    this.#start = start;
  }
}
