import { Worker } from "node:worker_threads";
import { processors } from "../host/index.ts";
import type { InflateJob, InflateReply } from "./inflate-messages.ts";
import { createRing } from "./inflate-ring.ts";
import { RingReader } from "./ring-reader.ts";

/** One for the blob that is read, one for the next: its thread leaves half of two processors idle. */
const MOST_AHEAD = processors() > 1 ? 2 : 1;
/** How long a worker without work is kept, in `ms`. */
const IDLE_MS = 1000;

/** Node runs compiled files only; as sources (in unit tests) everything stays in one thread. */
export const hasWorkers = !import.meta.url.endsWith(".ts");

/** A worker that has been lent to one job. */
export interface LentWorker {
  /** What it fills; nothing of a former job is in it. */
  readonly reader: RingReader;
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

/** A thread and what it fills. */
interface RingWorker {
  readonly worker: Worker;
  readonly reader: RingReader;
  /** Why it ended by itself. */
  lost?: Error;
}

const idle: RingWorker[] = [];
/** Jobs that may wait: nobody needs their bytes yet. */
const waiting: ((worker: RingWorker) => void)[] = [];
let alive = 0;

/** A wish for a worker. */
export interface WorkerWish {
  readonly worker: Promise<LentWorker>;
  /**
   * Whoever needs the bytes now waits for nobody: the workers that there are may be held by
   * jobs that go on only after this one.
   */
  hurry(): void;
}

/** A worker of one's own as soon as there is one, `MOST_AHEAD` of them at most until somebody hurries. */
export function wishForWorker(): WorkerWish {
  let hurry = (): void => undefined;
  const worker = new Promise<RingWorker>((resolve) => {
    const free = idle.pop() ?? (alive < MOST_AHEAD ? create() : undefined);
    if (free !== undefined) return resolve(free);
    waiting.push(resolve);
    hurry = () => {
      const at = waiting.indexOf(resolve);
      if (at < 0) return;
      waiting.splice(at, 1);
      resolve(create());
    };
  });
  return { worker: worker.then(lend), hurry: () => hurry() };
}

/** Lets a worker begin to load now, beside other work; without use it ends by itself. */
export function warmUp(): void {
  if (hasWorkers && alive === 0) takeBack(create());
}

function create(): RingWorker {
  alive++;
  const ring = createRing();
  const worker = new Worker(new URL("./inflate-worker.js", import.meta.url), { workerData: ring });
  worker.unref();
  const made: RingWorker = { worker, reader: new RingReader(ring) };
  // Of one that nobody uses yet, too: an error without a listener would end the process.
  worker.on("error", (why) => void (made.lost = why));
  worker.once("exit", () => {
    alive--;
    takeOut(made);
    // A wish that came while this one was ending: nobody else may ever serve it.
    if (alive < MOST_AHEAD) waiting.shift()?.(create());
  });
  return made;
}

function lend(lent: RingWorker): LentWorker {
  const { worker, reader } = lent;
  worker.ref();
  let forget = (): void => undefined;
  return {
    reader,
    start(job, onReply, onLost) {
      if (lent.lost !== undefined) return onLost(lent.lost);
      const onExit = (code: number): void => onLost(new Error(`it exited with ${code}`));
      worker.on("message", onReply).on("error", onLost).on("exit", onExit);
      forget = () => void worker.off("message", onReply).off("error", onLost).off("exit", onExit);
      worker.postMessage(job);
    },
    release() {
      forget();
      takeBack(lent);
    },
    destroy() {
      forget();
      discard(lent);
    },
  };
}

function takeBack(lent: RingWorker): void {
  const next = waiting.shift();
  if (next !== undefined) return next(lent);
  lent.worker.unref();
  idle.push(lent);
  setTimeout(() => endIfIdle(lent), IDLE_MS).unref();
}

/** Whoever has read its last blob gives their memory back before it takes more of its own. */
export function endIdleWorkers(): void {
  for (const worker of idle.splice(0)) discard(worker);
}

function endIfIdle(lent: RingWorker): void {
  if (takeOut(lent)) discard(lent);
}

/** Whether it was idle, and is not any more. */
function takeOut(lent: RingWorker): boolean {
  const at = idle.indexOf(lent);
  if (at >= 0) idle.splice(at, 1);
  return at >= 0;
}

function discard({ worker }: RingWorker): void {
  void worker.terminate();
}
