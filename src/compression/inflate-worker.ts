/** The thread that inflates beside the main one: reads a region, digests it, fills a ring. */
import { parentPort } from "node:worker_threads";
import { inflateHere } from "./inflate-here.ts";
import { type InflateJob, type InflateReply, toPlainError } from "./inflate-messages.ts";
import { RingWriter } from "./inflate-ring.ts";

function reply(message: InflateReply): void {
  parentPort?.postMessage(message);
}

async function work({ region, name, ring }: InflateJob): Promise<void> {
  const writer = new RingWriter(ring, (lengthBytes) => reply({ type: "chunk", lengthBytes }));
  let sha256 = "";
  const onDigest = (hex: string): void => void (sha256 = hex);
  try {
    for await (const chunk of inflateHere(region, { name, onDigest })) writer.write(chunk);
    reply({ type: "end", sha256 });
  } catch (error) {
    reply({ type: "failed", error: toPlainError(error) });
  }
}

parentPort?.on("message", (job: InflateJob) => void work(job));
