import { spawn, type ChildProcess, type StdioOptions } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { basename } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { WickError } from "../errors/index.ts";
import { undoAtExit } from "./cleanup.ts";
import { inheritableDescriptors } from "./descriptors.ts";
import { checkFault } from "./faults.ts";
import { hostError } from "./host-error.ts";
import { type DeathBinding, launchCommand, RELEASE } from "./launch.ts";
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
  const nothing = openSync("/dev/null", "r+");
  try {
    checkFault("spawn", program);
    const launch = await launchCommand(program, args, {
      openFiles: options.openFiles ?? DEFAULT_OPEN_FILES,
      binding: options.binding ?? "kernel",
    });
    const child = spawn(launch.program, launch.args, {
      detached: true, // a process group of its own: the terminal's Ctrl-C is ours to handle
      env: toolEnvironment(options.env),
      stdio: descriptorTable({ nothing, deathPipe: launch.deathPipe }),
    });
    await spawned(child);
    return supervise(child);
  } catch (error) {
    throw startError(error, program, options.purpose);
  } finally {
    closeSync(nothing);
  }
}

/** 0–2, the death pipe where there is one, and /dev/null over all that would be inherited. */
function descriptorTable(given: { nothing: number; deathPipe: boolean }): StdioOptions {
  const table: ("ignore" | "pipe" | number)[] = ["ignore", "pipe", "pipe"];
  if (given.deathPipe) table.push("pipe");
  for (const fd of inheritableDescriptors()) {
    // "ignore" leaves a descriptor above 2 as it is.
    while (table.length < fd) table.push("ignore");
    if (fd >= table.length || table[fd] === "ignore") table[fd] = given.nothing;
  }
  return table;
}

function spawned(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once("spawn", resolve);
    child.once("error", reject);
  });
}

function supervise(child: ChildProcess): SupervisedProcess {
  const tail = new LineTail();
  child.stdout?.on("data", (chunk: Uint8Array) => tail.add(chunk));
  child.stderr?.on("data", (chunk: Uint8Array) => tail.add(chunk));
  child.on("error", () => {}); // a signal that could not be sent: the process is gone
  const forget = undoAtExit(() => signalGroup(child, "SIGKILL"));
  const gone = new Promise<ProcessExit>((resolve) => {
    child.once("exit", (code, signal) => resolve({ code, signal }));
  });
  const read = new Promise<void>((resolve) => {
    child.once("close", resolve);
  });
  const exited = gone.then(async (exit) => {
    forget();
    release(child);
    await Promise.race([read, sleep(OUTPUT_GRACE_MS)]);
    child.stdout?.destroy();
    child.stderr?.destroy();
    return exit;
  });
  return {
    pid: child.pid!,
    exited,
    outputTail: () => tail.lines(),
    stop: ({ graceMs }) => stop(child, exited, graceMs),
  };
}

/** Tells the watcher, where one is needed, that its charge ended by itself. */
function release(child: ChildProcess): void {
  const deathPipe = child.stdio[3];
  if (deathPipe === null || deathPipe === undefined || !("write" in deathPipe)) return;
  deathPipe.on("error", () => {}); // the watcher is gone already
  deathPipe.end(RELEASE);
}

/**
 * Signals the child with whatever it started. Only while it is not reaped: until then its pid
 * and its group are its own, later a stranger's.
 */
function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.exitCode !== null || child.signalCode !== null) return;
  try {
    process.kill(-child.pid!, signal);
  } catch {
    child.kill(signal); // it has no group of its own yet
  }
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
