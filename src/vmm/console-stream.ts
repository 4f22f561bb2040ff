import type { Readable } from "node:stream";
import { LineTail } from "../host/index.ts";

/** What may wait before a reader has come, and for one that is slow; then the guest is held back. */
const QUEUE_BYTES = 1 << 18;

/** What may wait for a slow reader where the guest cannot be held back. */
const LONG_QUEUE_BYTES = 1 << 24;

/** A panic's first line says what happened; up to some sixty follow it, of registers and calls. */
const TAIL = { lines: 100, lineBytes: 1024 } as const;

/**
 * The serial console's bytes for one reader. Nobody need read: until somebody does, the
 * first {@link QUEUE_BYTES} are kept and the rest dropped, so that the guest never stalls.
 * Once read, a slow reader slows the guest and nothing is lost. A VMM that itself drops what
 * nobody takes at once is never held back: then more waits here, and what is beyond is counted.
 */
export class ConsoleStream implements AsyncIterable<Uint8Array> {
  readonly #source: Readable;
  readonly #mayHold: boolean;
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
  /** Of these, what a reader who had come was too slow for. */
  missedBytes = 0;

  constructor(source: Readable, { mayHold = true }: { readonly mayHold?: boolean } = {}) {
    this.#source = source;
    this.#mayHold = mayHold;
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
    if (this.#isTooMuch(chunk.length)) {
      this.droppedBytes += chunk.length;
      if (this.#isRead) this.missedBytes += chunk.length;
      return;
    }
    this.#queue.push(chunk);
    this.#queuedBytes += chunk.length;
    const isSlow = this.#isRead && this.#queuedBytes >= QUEUE_BYTES;
    if (isSlow && this.#mayHold && !this.#draining) this.#source.pause();
    this.#wake();
  }

  #isTooMuch(bytes: number): boolean {
    if (!this.#isRead) return this.#queuedBytes + bytes > QUEUE_BYTES;
    return !this.#mayHold && this.#queuedBytes + bytes > LONG_QUEUE_BYTES;
  }

  #end(): void {
    this.#ended = true;
    this.#wake();
  }
}
