import { WickError } from "../errors/index.ts";
import {
  type FileRegion,
  readHead,
  readRegion,
  throwIfAborted,
  turningBuffers,
} from "../host/index.ts";
import { inflateStream } from "./inflate-stream.ts";
import { fromPlainError, type InflateReply } from "./inflate-messages.ts";
import { hasWorkers, type LentWorker, wishForWorker, type WorkerWish } from "./inflate-pool.ts";
import type { RingReader } from "./inflate-ring.ts";
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
  /** Gives up what has begun and nobody has read; without it a worker would wait for ever. */
  close(): void;
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
    close: () => undefined,
    [Symbol.asyncIterator]: () => inflateHere(region, options, buffers),
  };
}

function inflateHere(
  region: FileRegion,
  options: InflateOptions,
  buffers?: ReturnType<typeof turningBuffers>,
): AsyncGenerator<Uint8Array> {
  return inflateStream(readRegion(region, options.signal, buffers), options);
}

class InflatedByWorker implements InflatedBlob {
  readonly #region: FileRegion;
  readonly #options: InflateOptions;
  readonly #replies = new Replies();
  #begun: WorkerWish | undefined;
  /** Whether somebody reads, and so gives the worker back. */
  #isRead = false;

  constructor(region: FileRegion, options: InflateOptions) {
    this.#region = region;
    this.#options = options;
  }

  start(): void {
    this.#begun ??= this.#begin();
  }

  close(): void {
    if (this.#isRead) return;
    this.#isRead = true;
    void this.#begun?.worker.then((lent) => this.#destroyLoaded(lent));
  }

  /** One that is ended while it still opens its modules leaves their descriptors open (Node 20). */
  async #destroyLoaded(lent: LentWorker): Promise<void> {
    await this.#replies.next();
    lent.destroy();
  }

  #begin(): WorkerWish {
    const wish = wishForWorker();
    const worker = wish.worker.then((lent) => {
      const { name, onPlainDigest } = this.#options;
      const wantsPlainDigest = onPlainDigest !== undefined;
      lent.start(
        { region: this.#region, name, wantsPlainDigest },
        (reply) => this.#replies.push(reply),
        (why) => this.#replies.push({ type: "lost", why: why.message }),
      );
      return lent;
    });
    return { worker, hurry: () => wish.hurry() };
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    this.#isRead = true;
    this.start();
    this.#begun!.hurry();
    const lent = await this.#begun!.worker;
    let isDone = false;
    using _ = this.#replies.failOn(this.#options.signal);
    try {
      const first = await this.#next();
      // Where a thread cannot be had, for want of descriptors or memory, this one does it.
      if (first.type === "lost") return yield* inflateHere(this.#region, this.#options);
      yield* this.#chunks(first, lent.reader);
      isDone = true;
    } finally {
      if (isDone) lent.release();
      else lent.destroy();
    }
  }

  async *#chunks(first: Heard, reader: RingReader): AsyncGenerator<Uint8Array> {
    let reply = first;
    for (; reply.type === "chunk"; reply = await this.#next()) {
      yield reader.take(reply.lengthBytes);
      reader.free();
    }
    if (reply.type === "lost") throw lost(this.#options.name, reply.why);
    this.#options.onDigest?.(reply.stored);
    this.#options.onPlainDigest?.(reply.plain);
  }

  async #next(): Promise<Heard> {
    const reply = await this.#replies.next();
    throwIfAborted(this.#options.signal);
    if (reply.type === "failed") throw fromPlainError(reply.error);
    return reply;
  }
}

/** What is heard of a worker that has not failed. */
type Heard = Exclude<InflateReply, { readonly type: "failed" }>;

function lost(name: string, why: string): WickError {
  return new WickError("INTERNAL", `Cannot decompress ${name}: its thread ended (${why})`);
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
