import { WickError } from "../errors/index.ts";
import {
  type FileRegion,
  type FileStorage,
  readHead,
  readRegion,
  spareStorage,
  throwIfAborted,
  turningBuffers,
} from "../host/index.ts";
import { inflateStream } from "./inflate-stream.ts";
import { Inbox } from "./inflate-inbox.ts";
import { fromPlainError, type InflateReply } from "./inflate-messages.ts";
import { SPOOL_BYTES } from "./inflate-ring.ts";
import { hasWorkers, type LentWorker, wishForWorker, type WorkerWish } from "./inflate-pool.ts";
import { kindOf, MAGIC_BYTES } from "./kinds.ts";
import type { InflateOptions } from "./options.ts";
import type { RingReader } from "./ring-reader.ts";

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

/** A worker at work, and what comes of it. */
interface Begun {
  readonly lent: LentWorker;
  readonly inbox: Inbox;
  /** What it runs ahead beyond its ring. */
  readonly spool: FileStorage | undefined;
}

class InflatedByWorker implements InflatedBlob {
  readonly #region: FileRegion;
  readonly #options: InflateOptions;
  #wish: WorkerWish | undefined;
  #begun: Promise<Begun> | undefined;
  /** Whether somebody reads, and so gives the worker back. */
  #isRead = false;

  constructor(region: FileRegion, options: InflateOptions) {
    this.#region = region;
    this.#options = options;
  }

  start(): void {
    if (this.#begun !== undefined) return;
    this.#wish = wishForWorker();
    this.#begun = this.#wish.worker.then((lent) => this.#begin(lent));
  }

  close(): void {
    if (this.#isRead) return;
    this.#isRead = true;
    void this.#begun?.then(destroyLoaded);
  }

  #begin(lent: LentWorker): Begun {
    const { name, onPlainDigest } = this.#options;
    const inbox = new Inbox(lent.reader);
    const spool = this.#isRead ? undefined : spareStorage("inflated", SPOOL_BYTES);
    lent.reader.prepare(spool);
    const wantsPlainDigest = onPlainDigest !== undefined;
    lent.start(
      { region: this.#region, name, wantsPlainDigest, spool: spool?.ownPath },
      (reply) => inbox.push(reply),
      (why) => inbox.push({ type: "lost", why: why.message }),
    );
    return { lent, inbox, spool };
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    this.#isRead = true;
    this.start();
    this.#wish!.hurry();
    const { lent, inbox, spool } = await this.#begun!;
    lent.reader.beginReading();
    let isDone = false;
    using _ = inbox.failOn(this.#options.signal);
    try {
      await inbox.filled();
      // Where a thread cannot be had, for want of descriptors or memory, this one does it.
      if (inbox.isLost) return yield* inflateHere(this.#region, this.#options);
      yield* this.#chunks(inbox, lent.reader);
      isDone = true;
    } finally {
      if (isDone) lent.release();
      else lent.destroy();
      spool?.[Symbol.dispose]();
    }
  }

  async *#chunks(inbox: Inbox, reader: RingReader): AsyncGenerator<Uint8Array> {
    for await (const chunk of inbox.chunks()) {
      throwIfAborted(this.#options.signal);
      yield chunk;
      reader.free();
    }
    throwIfAborted(this.#options.signal);
    this.#end(inbox.reply!);
  }

  #end(reply: InflateReply): void {
    const { name, onDigest, onPlainDigest } = this.#options;
    if (reply.type === "failed") throw fromPlainError(reply.error);
    if (reply.type === "lost") throw lost(name, reply.why);
    onDigest?.(reply.stored);
    onPlainDigest?.(reply.plain);
  }
}

/** One that is ended while it still opens its modules leaves their descriptors open (Node 20). */
async function destroyLoaded({ lent, inbox, spool }: Begun): Promise<void> {
  await inbox.filled();
  lent.destroy();
  spool?.[Symbol.dispose]();
}

function lost(name: string, why: string): WickError {
  return new WickError("INTERNAL", `Cannot decompress ${name}: its thread ended (${why})`);
}
