import { WickError } from "../../errors/index.ts";
import { every, freeBytes, listDirectory, monotonicMs } from "../../host/index.ts";

/** Directories whose growth shows that apt is at work; the first says which disk it is. */
export type Watched = readonly [string, ...string[]];

const LOOK_MS = 1000;
/** apt's own patience with a silent archive is 30 s, three times (Acquire::Retries 2). */
const STALL_MS = 120_000;
/** On a full disk apt waits for ever (2.6.1, in update). */
const FULL_DISK_MS = 3000;
const FULL_BYTES = 1 << 20;

/** A signal that fires when nothing grows any more. */
export interface StallWatch extends Disposable {
  readonly signal: AbortSignal;
}

/** Watches over one run of apt; disposed of when it has ended. */
export function watchStall(directories: Watched): StallWatch {
  const controller = new AbortController();
  let size = -1;
  let since = monotonicMs();
  const stop = every(LOOK_MS, () => {
    const now = sizeOf(directories);
    if (now !== size) {
      size = now;
      since = monotonicMs();
      return;
    }
    const problem = problemAfter(monotonicMs() - since, directories[0]);
    if (problem !== undefined) controller.abort(problem);
  });
  return { signal: controller.signal, [Symbol.dispose]: stop };
}

function problemAfter(stillMs: number, directory: string): WickError | undefined {
  if (stillMs >= FULL_DISK_MS && freeBytes(directory) < FULL_BYTES) {
    return new WickError("DISK_FULL", "Cannot fetch packages: the disk of wick's cache is full", {
      hint: "free some space, or set WICK_CACHE to a directory on another disk",
    });
  }
  if (stillMs < STALL_MS) return undefined;
  const seconds = STALL_MS / 1000;
  return new WickError("SOURCE_FAILED", `Cannot fetch packages: nothing came for ${seconds} s`, {
    hint: "is there a network, or a proxy to be set in http_proxy?",
  });
}

function sizeOf(directories: Watched): number {
  return directories
    .flatMap((directory) => listDirectory(directory))
    .reduce((sum, { sizeBytes, isDirectory }) => sum + (isDirectory ? 0 : sizeBytes), 0);
}
