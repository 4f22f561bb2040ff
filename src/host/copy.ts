import { chmodSync, constants, copyFileSync, statfsSync, statSync } from "node:fs";
import { join } from "node:path";
import { sanitise } from "../bytes/index.ts";
import { checkFault } from "./faults.ts";
import { FileStorage } from "./file-storage.ts";
import { statOf, throwIfAborted, writePrivateFile } from "./files.ts";
import { errnoOf, hostError } from "./host-error.ts";
import { findProgram } from "./programs.ts";
import { temporaryDirectory } from "./temporary.ts";
import { runTool } from "./tool.ts";
import { letOthersRun } from "./walk.ts";

/** A private (0600) copy of a file, sharing its blocks where the file system can. */
export function cloneFile(from: string, to: string): void {
  try {
    checkFault("open", from);
    checkFault("write", to);
    copyFileSync(from, to, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
    chmodSync(to, 0o600);
  } catch (error) {
    throw hostError(error, `copy ${sanitise(from)} to ${sanitise(to)}`);
  }
}

/**
 * Fills the file `to`, or makes it, with the contents of `from`: sharing its blocks where the file
 * system can, else copied, and what is a hole stays one.
 */
export async function copyContents(from: string, to: string, signal?: AbortSignal): Promise<void> {
  if (tryReflink(from, to)) return;
  try {
    checkFault("write", to);
    // coreutils' cp finds holes without reading them, which Node cannot; busybox's knows no holes.
    if (findProgram("cp") !== undefined && (await copyByTool(from, to, signal))) return;
    await copyByHand(from, to, signal);
  } catch (error) {
    throw hostError(error, `copy ${sanitise(from)} to ${sanitise(to)}`);
  }
}

/** File systems that never share blocks (magic numbers of statfs(2)): ext2–4, tmpfs. */
const NEVER_REFLINK = [0xef53, 0x01021994];

/** Whether files of the directory `from` can be cloned into `to`, tried with one of a few bytes. */
export function canReflink(from: string, to: string): boolean {
  try {
    if (statSync(from).dev !== statSync(to).dev) return false;
    if (NEVER_REFLINK.includes(statfsSync(from).type)) return false;
  } catch (error) {
    throw hostError(error, `look at ${sanitise(to)}`);
  }
  using probe = temporaryDirectory("clone", from);
  const file = join(probe.path, "file");
  writePrivateFile(file, Buffer.from("wick"));
  return tryReflink(file, join(probe.path, "clone"));
}

/** Errors of FICLONE (ioctl_ficlonerange(2)) that mean: not here, and nothing else is wrong. */
const NO_REFLINK = ["EOPNOTSUPP", "ENOTSUP", "EXDEV", "EINVAL", "ENOTTY", "ENOSYS", "ETXTBSY"];

function tryReflink(from: string, to: string): boolean {
  const wasThere = statOf(to) !== undefined;
  try {
    checkFault("open", from);
    checkFault("write", to);
    copyFileSync(from, to, constants.COPYFILE_FICLONE_FORCE);
    return true;
  } catch (error) {
    if (!NO_REFLINK.includes(errnoOf(error) ?? "")) {
      throw hostError(error, `copy ${sanitise(from)} to ${sanitise(to)}`);
    }
    // Node takes away the file that it could not clone into.
    if (wasThere && statOf(to) === undefined) writePrivateFile(to, new Uint8Array(0));
    return false;
  }
}

async function copyByTool(from: string, to: string, signal?: AbortSignal): Promise<boolean> {
  const words = ["--sparse=auto", "--reflink=auto", "--", from, to];
  try {
    await runTool("cp", words, { purpose: `copy ${sanitise(from)}`, signal });
    return true;
  } catch {
    // By hand it fails in the same way, and says why.
    throwIfAborted(signal);
    return false;
  }
}

const CHUNK_BYTES = 1 << 20;
/** What is looked at for being zero throughout. */
const PIECE_BYTES = 1 << 16;
const ZEROS = Buffer.alloc(PIECE_BYTES);

async function copyByHand(from: string, to: string, signal?: AbortSignal): Promise<void> {
  using source = new FileStorage(from, "read");
  if (statOf(to) === undefined) writePrivateFile(to, new Uint8Array(0));
  using target = new FileStorage(to, "update");
  const { sizeBytes } = source;
  target.setSize(0);
  target.setSize(sizeBytes);
  const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
  for (let position = 0; position < sizeBytes; position += CHUNK_BYTES) {
    throwIfAborted(signal);
    const count = source.readAt(buffer, position);
    for (let at = 0; at < count; at += PIECE_BYTES) {
      const piece = buffer.subarray(at, Math.min(at + PIECE_BYTES, count));
      if (piece.compare(ZEROS, 0, piece.length) !== 0) target.writeAt(piece, position + at);
    }
    await letOthersRun();
  }
}
