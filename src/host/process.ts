import type { ChildProcess } from "node:child_process";
import { basename } from "node:path";
import type { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { WickError } from "../errors/index.ts";
import { type BoundChild, signalGroup, startBound } from "./bound-child.ts";
import { undoAtExit } from "./cleanup.ts";
import { checkFault } from "./faults.ts";
import { hostError } from "./host-error.ts";
import type { DeathBinding } from "./launch.ts";
import { LineTail } from "./line-tail.ts";
import { toolEnvironment } from "./tool.ts";

/** How a process ended: exactly one of the two is not null. */
export interface ProcessExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** How a long-running child is started. */
export interface ProcessOptions {
  /** For the error: `Cannot <purpose>: qemu could not be started`. */
  readonly purpose: string;
  /** Added to the listed environment of child tools. */
  readonly env?: Readonly<Record<string, string>>;
  /** RLIMIT_NOFILE, soft and hard; lowered only. Default 4096: a larger one makes some VMMs slow to start. */
  readonly openFiles?: number;
  /** Its working directory; ours when absent. */
  readonly directory?: string;
  /** Gets each line of its stdout and stderr, bounded and safe to show. */
  readonly onLine?: (line: string) => void;
  /** Gets its stdout as it is, and must read it; by default stdout joins stderr in the tail. */
  readonly onOutput?: (output: Readable) => void;
  /** By default "kernel", which becomes "watcher" where util-linux's setpriv is missing. */
  readonly binding?: DeathBinding;
}

/** A long-running child that does not outlive us. */
export interface SupervisedProcess {
  readonly pid: number;
  /** Resolves once the process is gone and its output is read; never rejects. */
  readonly exited: Promise<ProcessExit>;
  /** The last lines of what it wrote to stdout and stderr, safe to show. */
  outputTail(): readonly string[];
  /** Sends SIGTERM, and SIGKILL after `graceMs` (0: at once); resolves when it is gone. */
  stop(options: { readonly graceMs: number }): Promise<ProcessExit>;
}

const DEFAULT_OPEN_FILES = 4096;

/** How long output may take to arrive once the process is gone: a grandchild may hold the pipe. */
const OUTPUT_GRACE_MS = 200;

/**
 * Starts `program` in a process group of its own, with /dev/null as stdin and no descriptor
 * but its three; it is killed when this process dies, by whatever cause.
 */
export async function startProcess(
  program: string,
  args: readonly string[],
  options: ProcessOptions,
): Promise<SupervisedProcess> {
  try {
    checkFault("spawn", program);
    const child = await startBound(program, args, {
      openFiles: options.openFiles ?? DEFAULT_OPEN_FILES,
      binding: options.binding,
      env: toolEnvironment(options.env),
      stdin: "ignore",
      directory: options.directory,
      ownGroup: true, // the terminal's Ctrl-C is ours to handle
    });
    return supervise(child, options);
  } catch (error) {
    throw startError(error, program, options.purpose);
  }
}

function supervise(child: BoundChild, { onLine, onOutput }: ProcessOptions): SupervisedProcess {
  const tail = new LineTail({}, onLine);
  if (onOutput === undefined) child.stdout.on("data", (chunk: Uint8Array) => tail.add(chunk));
  else onOutput(child.stdout);
  child.stderr.on("data", (chunk: Uint8Array) => tail.add(chunk));
  const forget = undoAtExit(() => signalGroup(child, "SIGKILL"));
  const gone = new Promise<ProcessExit>((resolve) => {
    child.once("exit", (code, signal) => resolve({ code, signal }));
  });
  const read = new Promise<void>((resolve) => {
    child.once("close", resolve);
  });
  const exited = gone.then(async (exit) => {
    forget();
    await Promise.race([read, sleep(OUTPUT_GRACE_MS)]);
    child.stdout.destroy();
    child.stderr.destroy();
    return exit;
  });
  return {
    pid: child.pid!,
    exited,
    outputTail: () => tail.lines(),
    stop: ({ graceMs }) => stop(child, exited, graceMs),
  };
}

async function stop(
  child: ChildProcess,
  exited: Promise<ProcessExit>,
  graceMs: number,
): Promise<ProcessExit> {
  if (graceMs > 0) {
    signalGroup(child, "SIGTERM");
    const timer = new AbortController();
    const late = sleep(graceMs, undefined, { signal: timer.signal }).catch(() => {});
    await Promise.race([exited, late]);
    timer.abort();
  }
  signalGroup(child, "SIGKILL");
  return exited;
}

function startError(error: unknown, program: string, purpose: string): WickError {
  if (error instanceof WickError) return error;
  return hostError(error, `${purpose}: start ${basename(program)}`);
}
