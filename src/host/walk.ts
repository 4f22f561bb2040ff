import {
  type BigIntStats,
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
} from "node:fs";
import { setImmediate } from "node:timers/promises";
import { display } from "../bytes/index.ts";
import { WickError } from "../errors/index.ts";
import { checkFault, type HostCall } from "./faults.ts";
import { hostError } from "./host-error.ts";

/** Paths are bytes: names need not be UTF-8. */
export type BytePath = Uint8Array;

/** What lstat(2) says, in 64-bit integers and nanoseconds. */
export type ExactStat = BigIntStats;

/** The status of `path` itself, links not followed; times in ns. */
export function statExactly(path: BytePath): ExactStat {
  return act("stat", path, "look at", () => lstatSync(Buffer.from(path), { bigint: true }));
}

/** The names in a directory, in no particular order. */
export function namesIn(path: BytePath): Uint8Array[] {
  return act("readdir", path, "list", () => readdirSync(Buffer.from(path), { encoding: "buffer" }));
}

/** A symbolic link's text. */
export function linkTarget(path: BytePath): Uint8Array {
  return act("read", path, "read the link", () =>
    readlinkSync(Buffer.from(path), { encoding: "buffer" }),
  );
}

/**
 * Gives a regular file's bytes to `take`, in one buffer that is used again. The file must be
 * the one that `expected` describes and keep its size: no link is followed, no FIFO waited for.
 */
export function readExactly(
  path: BytePath,
  expected: ExactStat,
  buffer: Uint8Array,
  take: (bytes: Uint8Array) => void,
): void {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
  act("open", path, "read", () => {
    const fd = openSync(Buffer.from(path), O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    try {
      const now = fstatSync(fd, { bigint: true });
      if (now.ino !== expected.ino || now.dev !== expected.dev) throw changed(path, "was replaced");
      readAll(fd, path, Number(expected.size), { buffer, take });
    } finally {
      closeSync(fd);
    }
  });
}

/** Lets timers, signals and finished reads have their turn in the middle of synchronous work. */
export function letOthersRun(): Promise<void> {
  return setImmediate();
}

interface Taking {
  readonly buffer: Uint8Array;
  readonly take: (bytes: Uint8Array) => void;
}

function readAll(fd: number, path: BytePath, size: number, { buffer, take }: Taking): void {
  let left = size;
  while (left > 0) {
    checkFault("read", display(path));
    const count = readSync(fd, buffer, 0, Math.min(buffer.length, left), null);
    if (count === 0) throw changed(path, `became ${left} bytes shorter`);
    take(buffer.subarray(0, count));
    left -= count;
  }
  if (readSync(fd, buffer, 0, 1, null) > 0) throw changed(path, "became longer");
}

function changed(path: BytePath, how: string): WickError {
  return new WickError("SOURCE_FAILED", `Cannot read ${display(path)}: it ${how} meanwhile`, {
    hint: "build again when nothing writes to the directory",
  });
}

function act<T>(call: HostCall, path: BytePath, verb: string, action: () => T): T {
  try {
    checkFault(call, display(path));
    return action();
  } catch (error) {
    throw hostError(error, `${verb} ${display(path)}`);
  }
}
