/** The thread that inflates beside the main one: reads a region, digests it, fills its ring. */
import { parentPort, workerData } from "node:worker_threads";
import { FileStorage, readRegion, turningBuffers } from "../host/index.ts";
import { freeNow } from "./free-now.ts";
import { inflateStream } from "./inflate-stream.ts";
import { type InflateJob, type InflateReply, toPlainError } from "./inflate-messages.ts";
import type { Ring } from "./inflate-ring.ts";
import type { InflateOptions } from "./options.ts";
import { RingWriter } from "./ring-writer.ts";

/** Small pieces: what reading and digesting one takes is what inflating may wait for. */
const READ_BYTES = 1 << 20;

/**
 * Every job's, one after the other: those of each layer would lie about until much is. An engine
 * is done with a chunk before it takes the one after the next.
 */
let buffers = turningBuffers(READ_BYTES);

function reply(message: InflateReply): void {
  parentPort?.postMessage(message);
}

async function work({ region, name, wantsPlainDigest, spool }: InflateJob): Promise<void> {
  const digests = { stored: "", plain: "" };
  const options: InflateOptions = {
    name,
    onDigest: (hex) => void (digests.stored = hex),
    onPlainDigest: wantsPlainDigest ? (hex) => void (digests.plain = hex) : undefined,
  };
  try {
    using storage = opened(spool);
    const writer = new RingWriter(workerData as Ring, storage);
    const stored = readRegion(region, undefined, buffers);
    for await (const chunk of inflateStream(stored, options)) {
      writer.write(chunk);
      freeNow(chunk);
    }
    reply({ type: "end", ...digests });
  } catch (error) {
    buffers = turningBuffers(READ_BYTES); // a read may still be under way into the former ones
    reply({ type: "failed", error: toPlainError(error) });
  }
}

/** Without /proc the ring alone will do. */
function opened(spool: string | undefined): FileStorage | undefined {
  try {
    return spool === undefined ? undefined : new FileStorage(spool, "update");
  } catch {
    return undefined;
  }
}

parentPort?.on("message", (job: InflateJob) => void work(job));
