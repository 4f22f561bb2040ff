import { spawn, type ChildProcess } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import type { Readable, Writable } from "node:stream";
import { coverInherited, type Stdio } from "./descriptors.ts";
import { launchCommand, RELEASE, type LaunchOptions } from "./launch.ts";

/** How a child is started. */
export interface BoundOptions extends LaunchOptions {
  /** The whole of its environment. */
  readonly env: Readonly<Record<string, string>>;
  /** "ignore": /dev/null. */
  readonly stdin: "pipe" | "ignore";
  readonly directory?: string | undefined;
  /** Leads a process group of its own, named by its negative pid (kill(2)). */
  readonly ownGroup: boolean;
}

/** A child whose output is read through pipes. */
export type BoundChild = ChildProcess & { readonly stdout: Readable; readonly stderr: Readable };

/**
 * Starts a child with no descriptor but its three; the kernel (or a watcher) kills it when this
 * process dies, by whatever cause. Rejects with Node's error when it cannot be started.
 */
export async function startBound(
  program: string,
  args: readonly string[],
  options: BoundOptions,
): Promise<BoundChild> {
  const launch = await launchCommand(program, args, options);
  const nothing = openSync("/dev/null", "r+");
  try {
    const child = spawn(launch.program, launch.args, {
      detached: options.ownGroup,
      env: options.env,
      cwd: options.directory,
      stdio: descriptorTable({ nothing, stdin: options.stdin, deathPipe: launch.deathPipe }),
    });
    await spawned(child);
    if (launch.deathPipe) child.once("exit", () => release(child));
    return withHandlers(child);
  } finally {
    closeSync(nothing);
  }
}

interface Descriptors {
  readonly nothing: number;
  readonly stdin: "pipe" | "ignore";
  readonly deathPipe: boolean;
}

/** 0–2, the death pipe where there is one, and /dev/null over all that would be inherited. */
function descriptorTable({ nothing, stdin, deathPipe }: Descriptors): Stdio[] {
  return coverInherited([stdin, "pipe", "pipe", ...(deathPipe ? ["pipe" as const] : [])], nothing);
}

function spawned(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once("spawn", resolve);
    child.once("error", reject);
  });
}

/** An error event that nobody takes ends Node; what these say, the child's exit says too. */
function withHandlers(child: ChildProcess): BoundChild {
  child.on("error", () => {}); // a signal that could not be sent
  for (const stream of child.stdio) stream?.on("error", () => {});
  return child as BoundChild;
}

/** Tells the watcher that its charge ended by itself. */
function release(child: ChildProcess): void {
  const deathPipe = child.stdio[3] as Writable;
  deathPipe.end(RELEASE, () => deathPipe.destroy());
}

/**
 * Signals a child that leads a group, with whatever it started. Only while it is not reaped:
 * until then its pid and its group are its own, later a stranger's.
 */
export function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.exitCode !== null || child.signalCode !== null) return;
  try {
    process.kill(-child.pid!, signal);
  } catch {
    child.kill(signal); // it has no group of its own yet
  }
}
