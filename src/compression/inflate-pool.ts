import { Worker } from "node:worker_threads";
import { processors } from "../host/index.ts";
import type { InflateJob, InflateReply } from "./inflate-messages.ts";

/** More would wait for the one thread that takes what they inflate. */
const MOST_WORKERS = Math.min(2, processors());
/** How long a worker without work is kept, in `ms`. */
const IDLE_MS = 1000;

/** Node runs compiled files only; as sources (in unit tests) everything stays in one thread. */
export const hasWorkers = !import.meta.url.endsWith(".ts");

/** A worker that has been lent to one job. */
export interface LentWorker {
  start(
    job: InflateJob,
    onReply: (reply: InflateReply) => void,
    onLost: (why: Error) => void,
  ): void;
  /** Back to the pool: its job is done. */
  release(): void;
  /** Its job was given up in the middle. */
  destroy(): void;
}

const idle: Worker[] = [];
const waiting: ((worker: Worker) => void)[] = [];
let alive = 0;

/** A worker of one's own, as soon as there is one. */
export async function borrowWorker(): Promise<LentWorker> {
  const free = idle.pop() ?? (alive < MOST_WORKERS ? create() : undefined);
  const worker = free ?? (await new Promise<Worker>((resolve) => void waiting.push(resolve)));
  return lend(worker);
}

/** Lets a worker begin to load now, beside other work; without use it ends by itself. */
export function warmUp(): void {
  if (hasWorkers && alive === 0) takeBack(create());
}

function create(): Worker {
  alive++;
  const worker = new Worker(new URL("./inflate-worker.js", import.meta.url));
  worker.unref();
  return worker;
}

function lend(worker: Worker): LentWorker {
  worker.ref();
  let forget = (): void => undefined;
  return {
    start(job, onReply, onLost) {
      worker.on("message", onReply).on("error", onLost);
      forget = () => void worker.off("message", onReply).off("error", onLost);
      worker.postMessage(job);
    },
    release() {
      forget();
      takeBack(worker);
    },
    destroy() {
      forget();
      discard(worker);
    },
  };
}

function takeBack(worker: Worker): void {
  const next = waiting.shift();
  if (next !== undefined) return next(worker);
  worker.unref();
  idle.push(worker);
  setTimeout(() => endIfIdle(worker), IDLE_MS).unref();
}

function endIfIdle(worker: Worker): void {
  const at = idle.indexOf(worker);
  if (at < 0) return;
  idle.splice(at, 1);
  discard(worker);
}

function discard(worker: Worker): void {
  worker.on("error", () => undefined);
  alive--;
  void worker.terminate();
  const next = waiting.shift();
  if (next !== undefined) next(create());
}
