import { setImmediate } from "node:timers/promises";
import type { InflateReply } from "./inflate-messages.ts";
import type { RingReader } from "./ring-reader.ts";

/** Chunks that are taken before the event loop has its turn: signals, timers and sockets wait. */
const IN_A_ROW = 8;

/** What comes of a worker's job: chunks in its ring, and at last one reply. */
export class Inbox {
  readonly #reader: RingReader;
  #reply: InflateReply | undefined;

  constructor(reader: RingReader) {
    this.#reader = reader;
  }

  /** How the job ended; the first word counts. */
  get reply(): InflateReply | undefined {
    return this.#reply;
  }

  get isLost(): boolean {
    return this.#reply?.type === "lost";
  }

  push(reply: InflateReply): void {
    this.#reply ??= reply;
    this.#reader.wake();
  }

  /** Resolves when there is a chunk or the reply. */
  async filled(): Promise<void> {
    if (this.#reply === undefined) await this.#reader.filled();
  }

  /** Every chunk until there is a reply and nothing before it. */
  async *chunks(): AsyncGenerator<Uint8Array> {
    for (let taken = 1; ; taken++) {
      const chunk = this.#reader.take();
      if (chunk !== undefined) {
        if (taken % IN_A_ROW === 0) await setImmediate();
        yield chunk;
      } else if (this.#reply === undefined) await this.#reader.filled();
      else return;
    }
  }

  /** Whoever waits hears of it when `signal` fires. */
  failOn(signal: AbortSignal | undefined): Disposable {
    const stop = (): void => this.push({ type: "failed", error: interrupted });
    signal?.addEventListener("abort", stop);
    return { [Symbol.dispose]: () => signal?.removeEventListener("abort", stop) };
  }
}

const interrupted = {
  code: "INTERRUPTED",
  message: "Interrupted",
  hint: undefined,
  detail: [],
} as const;
