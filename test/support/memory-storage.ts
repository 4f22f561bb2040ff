/** For tests: bytes at any position in memory, page by page, so that holes cost nothing. */
import type { Storage } from "../../src/bytes/index.ts";

const PAGE = 65536;

export class MemoryStorage implements Storage {
  sizeBytes = 0;
  readonly #pages = new Map<number, Uint8Array>();
  /** From so many written bytes on every write fails, as on a full disk. */
  readonly #capacity: number;
  writtenBytes = 0;

  constructor(capacity = Infinity) {
    this.#capacity = capacity;
  }

  readAt(target: Uint8Array, position: number): number {
    const length = Math.max(0, Math.min(target.length, this.sizeBytes - position));
    for (let done = 0; done < length;) {
      const at = position + done;
      const page = this.#pages.get(Math.floor(at / PAGE));
      const part = target.subarray(done, Math.min(length, done + PAGE - (at % PAGE)));
      if (page) part.set(page.subarray(at % PAGE, (at % PAGE) + part.length));
      else part.fill(0);
      done += part.length;
    }
    return length;
  }

  writeAt(bytes: Uint8Array, position: number): void {
    this.writtenBytes += bytes.length;
    if (this.writtenBytes > this.#capacity) {
      throw Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
    }
    for (let done = 0; done < bytes.length;) {
      const at = position + done;
      const part = bytes.subarray(done, done + PAGE - (at % PAGE));
      this.#page(Math.floor(at / PAGE)).set(part, at % PAGE);
      done += part.length;
    }
    this.sizeBytes = Math.max(this.sizeBytes, position + bytes.length);
  }

  setSize(sizeBytes: number): void {
    this.sizeBytes = sizeBytes;
  }

  #page(index: number): Uint8Array {
    let page = this.#pages.get(index);
    if (!page) this.#pages.set(index, (page = new Uint8Array(PAGE)));
    return page;
  }
}
