import type { Readable } from "node:stream";
import { LineTail } from "../host/index.ts";

/** What may wait for a reader that has come but is slow; then the guest is held back. */
const QUEUE_BYTES = 1 << 18;

/** A panic's first line says what happened; up to some sixty follow it, of registers and calls. */
const TAIL = { lines: 100, lineBytes: 1024 } as const;

/**
 * The serial console's bytes for one reader. Nobody need read: until somebody does, the
 * first {@link QUEUE_BYTES} are kept and the rest dropped, so that the guest never stalls.
 * Once read, a slow reader slows the guest and nothing is lost.
 */
export class ConsoleStream implements AsyncIterable<Uint8Array> {
  readonly #source: Readable;
  /** The last lines, whether or not anybody reads. */
  readonly tail = new LineTail(TAIL);
  #queue: Uint8Array[] = [];
  #queuedBytes = 0;
  #isRead = false;
  #ended = false;
  #draining = false;
  #wake = (): void => {};
  /** Bytes that nobody was there to read. */
  droppedBytes = 0;

  constructor(source: Readable) {
    this.#source = source;
    source.on("data", (chunk: Uint8Array) => this.#take(chunk));
    for (const event of ["end", "close", "error"] as const) source.on(event, () => this.#end());
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    this.#isRead = true;
    try {
      for (;;) {
        const chunk = this.#queue.shift();
        if (chunk !== undefined) {
          this.#queuedBytes -= chunk.length;
          yield chunk;
        } else if (this.#ended) {
          return;
        } else {
          this.#source.resume();
          await new Promise<void>((resolve) => (this.#wake = resolve));
        }
      }
    } finally {
      // The reader has gone: from now on nobody holds the guest back.
      this.#isRead = false;
      this.#source.resume();
    }
  }

  /** Takes in what the guest's end still holds, however slow the reader; resolves at its end. */
  async drain(): Promise<void> {
    this.#draining = true;
    this.#source.resume();
    if (!this.#ended) await new Promise((resolve) => this.#source.once("close", resolve));
  }

  #take(chunk: Uint8Array): void {
    this.tail.add(chunk);
    if (!this.#isRead && this.#queuedBytes + chunk.length > QUEUE_BYTES) {
      this.droppedBytes += chunk.length;
      return;
    }
    this.#queue.push(chunk);
    this.#queuedBytes += chunk.length;
    const isSlow = this.#isRead && this.#queuedBytes >= QUEUE_BYTES;
    if (isSlow && !this.#draining) this.#source.pause();
    this.#wake();
  }

  #end(): void {
    this.#ended = true;
    this.#wake();
  }
}
