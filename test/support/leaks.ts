import { lstatSync, readFileSync, readdirSync, readlinkSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ownProcesses } from "./processes.ts";

/** What a test may have left behind, by kind. */
export type LeakKind = "process" | "socket" | "temporary" | "descriptor";

/** One thing left behind; `undo` takes it away (a descriptor cannot be taken from its owner). */
export interface Leak {
  readonly kind: LeakKind;
  readonly what: string;
  undo(): void;
}

/** Everything of this worker's that lives now, by an identity that is not reused. */
export type Footprint = ReadonlyMap<string, Leak>;

/** How long a thing that is already closing may take: process exits and closes are not instant. */
const GRACE_MS = 1500;
const POLL_MS = 20;

/** Names of wick's temporaries: directories of `temporaryDirectory`, files of `publish`. */
const TEMPORARY_NAME = /^wick-|^\..*\.wick-.*\.tmp$/;

/** What lives now. `root` is the worker's own temporary directory. */
export function footprint(root: string): Footprint {
  return new Map([
    ...processLeaks(root),
    ...temporaryLeaks(root),
    ...socketLeaks(),
    ...descriptorLeaks(),
  ]);
}

/** What lives now and did not `before`, given a moment to go by itself. */
export async function leaks(root: string, before: Footprint, graceMs = GRACE_MS): Promise<Leak[]> {
  for (const end = performance.now() + graceMs; ;) {
    const left = [...footprint(root)].filter(([key]) => !before.has(key)).map(([, leak]) => leak);
    if (left.length === 0 || performance.now() >= end) return left;
    await sleep(POLL_MS);
  }
}

/** One line a leak, for the error of the test that leaked. */
export function describeLeaks(left: readonly Leak[]): string {
  return left.map(({ kind, what }) => `${kind}: ${what}`).join("\n");
}

function* processLeaks(root: string): Generator<[string, Leak]> {
  for (const { key, pid, state, command } of ownProcesses(root)) {
    const what = `${pid} (${state}) ${command}`;
    yield [`process ${key}`, { kind: "process", what, undo: () => killNow(pid) }];
  }
}

function killNow(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // Gone meanwhile.
  }
}

function* temporaryLeaks(root: string): Generator<[string, Leak]> {
  for (const path of walk(root)) {
    const isSocket = lstatSync(path, { throwIfNoEntry: false })?.isSocket() === true;
    const name = path.slice(path.lastIndexOf("/") + 1);
    if (!isSocket && !TEMPORARY_NAME.test(name)) continue;
    const kind = isSocket ? "socket" : "temporary";
    const undo = (): void => rmSync(path, { recursive: true, force: true });
    yield [`path ${path}`, { kind, what: path, undo }];
  }
}

/** Every path below `directory`, nearest first, but not what lies in a temporary of ours. */
function* walk(directory: string): Generator<string> {
  for (const entry of entriesOf(directory)) {
    const path = join(directory, entry.name);
    yield path;
    if (entry.isDirectory()) yield* walk(path);
  }
}

function entriesOf(directory: string) {
  try {
    return readdirSync(directory, { withFileTypes: true });
  } catch {
    return []; // removed meanwhile, or another user's
  }
}

/** TCP ports on which this very process listens. */
function* socketLeaks(): Generator<[string, Leak]> {
  const inodes = new Set(descriptors().map(({ target }) => target));
  for (const file of ["/proc/self/net/tcp", "/proc/self/net/tcp6"]) {
    for (const line of readLines(file)) {
      const [, local = "", , state, , , , , , inode] = line.trim().split(/\s+/);
      // 0A is TCP_LISTEN.
      if (state !== "0A" || !inodes.has(`socket:[${inode}]`)) continue;
      const port = Number.parseInt(local.slice(local.lastIndexOf(":") + 1), 16);
      yield [`listen ${inode}`, { kind: "socket", what: `listening on port ${port}`, undo() {} }];
    }
  }
}

function readLines(path: string): string[] {
  try {
    return readFileSync(path, "latin1").split("\n").slice(1);
  } catch {
    return []; // no such protocol in this kernel
  }
}

/** Open files and pipes; connected sockets are left out, HTTP clients keep them for a while. */
function* descriptorLeaks(): Generator<[string, Leak]> {
  for (const { fd, target } of descriptors()) {
    if (!/^(pipe:|\/(?!dev\/|proc\/|sys\/))/.test(target)) continue;
    yield [
      `fd ${fd} ${target}`,
      { kind: "descriptor", what: `${fd} open on ${target}`, undo() {} },
    ];
  }
}

function descriptors(): { fd: string; target: string }[] {
  return readdirSync("/proc/self/fd").flatMap((fd) => {
    try {
      return [{ fd, target: readlinkSync(`/proc/self/fd/${fd}`) }];
    } catch {
      return []; // the descriptor of readdir itself
    }
  });
}
