import type { Readable } from "node:stream";
import { monotonicMs } from "../clock.ts";
import { throwIfAborted } from "../files.ts";
import { connectionError } from "./connection-error.ts";
import { Patience, patiently } from "./waiting.ts";

/** What bounds the reading of a body. */
interface Bounds {
  readonly host: string;
  readonly signal: AbortSignal | undefined;
  readonly idleMs: number;
  readonly giveUp: () => void;
}

/** What a dismissed body may have and take. */
const DISMISS_BYTES = 1 << 14;
const DISMISS_MS = 1000;

/** An answer's bytes as they are on the wire; to be read once, or discarded. */
export class HttpBody implements AsyncIterable<Uint8Array> {
  readonly #stream: Readable;
  readonly #bounds: Bounds;

  constructor(stream: Readable, bounds: Bounds) {
    this.#stream = stream;
    this.#bounds = bounds;
    // What breaks when nobody reads is of no interest to anybody.
    stream.on("error", () => {});
  }

  /** Yields the chunks; a connection that breaks or falls silent is a ConnectionError. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    const { idleMs, host, signal } = this.#bounds;
    const patience = new Patience(idleMs);
    const iterator = this.#stream[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
    try {
      for (;;) {
        const since = monotonicMs();
        const next = await patiently(iterator.next(), {
          ...this.#bounds,
          ms: patience.remainingMs,
        });
        if (next.done === true) return;
        patience.note(monotonicMs() - since, next.value.length);
        yield next.value;
      }
    } catch (error) {
      throwIfAborted(signal);
      throw connectionError(error, host);
    } finally {
      this.discard();
    }
  }

  /** At most `limit` bytes from the front; whether that was all is told beside. */
  async upTo(limit: number): Promise<{ readonly bytes: Uint8Array; readonly isWhole: boolean }> {
    const parts: Uint8Array[] = [];
    let length = 0;
    for await (const chunk of this) {
      parts.push(chunk);
      length += chunk.length;
      if (length > limit) break;
    }
    const isWhole = length <= limit;
    return { bytes: new Uint8Array(Buffer.concat(parts)).subarray(0, limit), isWhole };
  }

  /**
   * Reads what nobody wants to know, so that the connection serves for the next request: a new
   * one over TLS costs several times as much. Long or slow bodies are not worth it.
   */
  async dismiss(): Promise<void> {
    const timer = setTimeout(() => this.discard(), DISMISS_MS);
    try {
      await this.upTo(DISMISS_BYTES);
    } catch {
      // Whatever it is, the next request meets it too.
    } finally {
      clearTimeout(timer);
    }
  }

  /** Ends the connection unless all was read. */
  discard(): void {
    if (!this.#stream.readableEnded) this.#bounds.giveUp();
    this.#stream.destroy();
  }
}
