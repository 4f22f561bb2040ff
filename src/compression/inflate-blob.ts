import {
  type FileRegion,
  readHead,
  readRegion,
  throwIfAborted,
  turningBuffers,
} from "../host/index.ts";
import { inflateStream } from "./inflate-stream.ts";
import { fromPlainError, type InflateReply } from "./inflate-messages.ts";
import { hasWorkers, wishForWorker, type WorkerWish } from "./inflate-pool.ts";
import { kindOf, MAGIC_BYTES } from "./kinds.ts";
import type { InflateOptions } from "./options.ts";

/** Below this many bytes a thread costs more than it saves. */
const WORTH_A_WORKER_BYTES = 2 << 20;

/** What is not compressed is passed on in pieces of this size, from buffers that are used again. */
const PLAIN_CHUNK_BYTES = 1 << 20;

/** The plain bytes of a blob; a chunk is lent until the next one is asked for. */
export interface InflatedBlob extends AsyncIterable<Uint8Array> {
  /** Begins ahead of the reading, as far as the ring reaches, where a worker does it. */
  start(): void;
}

/**
 * The plain bytes of a region of a file, however it is compressed (its magic number decides):
 * `decompress` of the region, in a worker where that pays. `onDigest` is told the SHA-256 of
 * the region's own bytes, all of them, before the iteration ends. To be read once.
 */
export function inflateBlob(region: FileRegion, options: InflateOptions): InflatedBlob {
  const kind = kindOf(readHead(region, MAGIC_BYTES));
  // A tool is a process beside us already, and plain bytes need no work.
  if (hasWorkers && kind === "gzip" && region.sizeBytes >= WORTH_A_WORKER_BYTES) {
    return new InflatedByWorker(region, options);
  }
  const buffers = kind === "none" ? turningBuffers(PLAIN_CHUNK_BYTES) : undefined;
  return {
    start: () => undefined,
    [Symbol.asyncIterator]: () =>
      inflateStream(readRegion(region, options.signal, buffers), options),
  };
}

class InflatedByWorker implements InflatedBlob {
  readonly #region: FileRegion;
  readonly #options: InflateOptions;
  readonly #replies = new Replies();
  #begun: WorkerWish | undefined;

  constructor(region: FileRegion, options: InflateOptions) {
    this.#region = region;
    this.#options = options;
  }

  start(): void {
    this.#begun ??= this.#begin();
  }

  #begin(): WorkerWish {
    const wish = wishForWorker();
    const worker = wish.worker.then((lent) => {
      const { name, onPlainDigest } = this.#options;
      const wantsPlainDigest = onPlainDigest !== undefined;
      lent.start(
        { region: this.#region, name, wantsPlainDigest },
        (reply) => this.#replies.push(reply),
        (why) => this.#replies.push(lost(why)),
      );
      return lent;
    });
    return { worker, hurry: () => wish.hurry() };
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    const { signal } = this.#options;
    this.start();
    this.#begun!.hurry();
    const lent = await this.#begun!.worker;
    let isDone = false;
    using _ = this.#replies.failOn(signal);
    try {
      for (;;) {
        const reply = await this.#replies.next();
        throwIfAborted(signal);
        if (reply.type === "failed") throw fromPlainError(reply.error);
        if (reply.type === "end") {
          isDone = true;
          this.#options.onDigest?.(reply.stored);
          return this.#options.onPlainDigest?.(reply.plain);
        }
        yield lent.reader.take(reply.lengthBytes);
        lent.reader.free();
      }
    } finally {
      if (isDone) lent.release();
      else lent.destroy();
    }
  }
}

function lost(why: Error): InflateReply {
  const message = `Cannot decompress: the worker ended by itself (${why.message})`;
  return { type: "failed", error: { code: "INTERNAL", message, hint: undefined, detail: [] } };
}

/** What a worker has said and nobody has heard yet. */
class Replies {
  readonly #said: InflateReply[] = [];
  #wake: (() => void) | undefined;

  push(reply: InflateReply): void {
    this.#said.push(reply);
    this.#wake?.();
  }

  async next(): Promise<InflateReply> {
    while (this.#said.length === 0) await new Promise<void>((resolve) => (this.#wake = resolve));
    return this.#said.shift()!;
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
