/** The thread that inflates beside the main one: reads a region, digests it, fills a ring. */
import { parentPort } from "node:worker_threads";
import { readRegion, turningBuffers } from "../host/index.ts";
import { inflateStream } from "./inflate-here.ts";
import { type InflateJob, type InflateReply, toPlainError } from "./inflate-messages.ts";
import { RingWriter } from "./inflate-ring.ts";

function reply(message: InflateReply): void {
  parentPort?.postMessage(message);
}

/** Small pieces: what reading and digesting one takes is what inflating may wait for. */
const READ_BYTES = 1 << 20;

async function work({ region, name, ring }: InflateJob): Promise<void> {
  const writer = new RingWriter(ring, (lengthBytes) => reply({ type: "chunk", lengthBytes }));
  let sha256 = "";
  const onDigest = (hex: string): void => void (sha256 = hex);
  try {
    // An engine is done with a chunk before it takes the one after the next.
    const stored = readRegion(region, undefined, turningBuffers(READ_BYTES));
    for await (const chunk of inflateStream(stored, { name, onDigest })) writer.write(chunk);
    reply({ type: "end", sha256 });
  } catch (error) {
    reply({ type: "failed", error: toPlainError(error) });
  }
}

parentPort?.on("message", (job: InflateJob) => void work(job));
