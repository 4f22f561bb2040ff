import {
  closeSync,
  fstatSync,
  mkdirSync,
  openSync,
  readSync,
  rmSync,
  statSync,
  type Stats,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { open } from "node:fs/promises";
import { dirname } from "node:path";
import { sanitise } from "../bytes/index.ts";
import { WickError } from "../errors/index.ts";
import { checkFault } from "./faults.ts";
import { readFifo } from "./fifo.ts";
import { errnoOf, hostError } from "./host-error.ts";

/** Bytes a read asks for: big enough that inflating is not slowed by small pieces. */
export const READ_CHUNK_BYTES = 1 << 22;

/** The first piece of a file that tells no size. */
const SMALL_READ_BYTES = 4096;

/** The whole of a small file; an error above `limitBytes` (16 MiB). */
export function readSmallFile(path: string, limitBytes = 16 << 20): Uint8Array {
  try {
    checkFault("read", path);
    return readUpTo(path, limitBytes);
  } catch (error) {
    throw hostError(error, `read ${sanitise(path)}`);
  }
}

/** Counts what is really read: a pipe or a device tells no size, or has no end. */
function readUpTo(path: string, limitBytes: number): Uint8Array {
  const fd = openSync(path, "r");
  try {
    const { size } = fstatSync(fd);
    if (size > limitBytes) throw tooLong(path, `${size}`, limitBytes);
    let bytes = Buffer.allocUnsafe(Math.max(size + 1, SMALL_READ_BYTES));
    let length = 0;
    for (;;) {
      const count = readSync(fd, bytes, length, bytes.length - length, null);
      if (count === 0) return bytes.subarray(0, length);
      length += count;
      if (length > limitBytes) throw tooLong(path, `more than ${limitBytes}`, limitBytes);
      if (length === bytes.length) bytes = Buffer.concat([bytes], 2 * length);
    }
  } finally {
    closeSync(fd);
  }
}

function tooLong(path: string, is: string, limitBytes: number): WickError {
  return new WickError(
    "IO",
    `Cannot read ${sanitise(path)}: ${is} bytes, wanted at most ${limitBytes}`,
  );
}

/** A file's bytes in order; the buffers are the receiver's own. */
export async function* readChunks(path: string, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
  const action = `read ${sanitise(path)}`;
  try {
    checkFault("open", path);
    throwIfAborted(signal);
    if (statSync(path).isFIFO()) return yield* readFifo(path, signal);
    await using file = await open(path, "r");
    for (;;) {
      throwIfAborted(signal);
      checkFault("read", path);
      const buffer = Buffer.allocUnsafe(READ_CHUNK_BYTES);
      const { bytesRead } = await file.read(buffer, 0, buffer.length);
      if (bytesRead === 0) return;
      yield buffer.subarray(0, bytesRead);
    }
  } catch (error) {
    throwIfAborted(signal);
    throw hostError(error, action);
  }
}

/** Throws INTERRUPTED once `signal` has fired. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted !== true) return;
  if (signal.reason instanceof WickError) throw signal.reason;
  throw new WickError("INTERRUPTED", "Interrupted", { cause: signal.reason });
}

/** What is at `path` (links followed), or undefined when nothing is. */
export function statOf(path: string): Stats | undefined {
  try {
    checkFault("stat", path);
    return statSync(path);
  } catch (error) {
    if (errnoOf(error) === "ENOENT" || errnoOf(error) === "ENOTDIR") return undefined;
    throw hostError(error, `look at ${sanitise(path)}`);
  }
}

/** Makes a directory and what is missing above it, readable by its user alone. */
export function makePrivateDirectory(path: string): void {
  try {
    checkFault("mkdir", path);
    makeWithParents(path);
  } catch (error) {
    throw hostError(error, `make the directory ${sanitise(path)}`);
  }
}

/** Node's own `recursive` never returns where a file system refuses names with ENOENT (/proc). */
function makeWithParents(path: string): void {
  if (statOf(path)?.isDirectory() === true) return;
  const parent = dirname(path);
  if (parent !== path) makeWithParents(parent);
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    // Somebody else may have made it meanwhile.
    if (statOf(path)?.isDirectory() !== true) throw error;
  }
}

/** Removes a file or a whole directory, if it is there. */
export function removePath(path: string): void {
  try {
    checkFault("unlink", path);
    rmSync(path, { recursive: true, force: true });
  } catch (error) {
    throw hostError(error, `remove ${sanitise(path)}`);
  }
}

/** Says that the file at `path` is used now. */
export function touch(path: string): void {
  try {
    checkFault("write", path);
    const now = new Date();
    utimesSync(path, now, now);
  } catch (error) {
    throw hostError(error, `touch ${sanitise(path)}`);
  }
}

/** Bytes that a file takes on its disk, holes not counted. */
export function allocatedBytes(path: string): number {
  // st_blocks counts 512-byte units whatever the file system's own block is.
  return (statOf(path)?.blocks ?? 0) * 512;
}

/** Writes a small new file that only its user may read; an existing one is an error. */
export function writePrivateFile(path: string, bytes: Uint8Array): void {
  try {
    checkFault("write", path);
    writeFileSync(path, bytes, { mode: 0o600, flag: "wx" });
  } catch (error) {
    throw hostError(error, `write ${sanitise(path)}`);
  }
}
