import { statfsSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { isWickError, WickError } from "../errors/index.ts";

/** What was being written when a disk was full: a file that is there in part, or one without a name. */
export type FullDisk = {
  /** Its size when whole, where that is known. */
  readonly neededBytes?: number;
  /** What to do, where the file is not the user's. */
  readonly hint?: string;
} & ({ readonly path: string } | { readonly directory: string; readonly writtenBytes: number });

/** What has been told of one file is not told again of another that fails with it. */
const explained = new WeakSet<WickError>();

/** DISK_FULL with what is needed and what is free; any other error as it is. */
export function explainFullDisk(error: unknown, file: FullDisk): unknown {
  if (!isWickError(error, "DISK_FULL") || explained.has(error)) return error;
  const { neededBytes } = file;
  const facts = factsOf(file);
  if (facts === undefined) return error;
  const { writtenBytes, freeBytes } = facts;
  const needed =
    neededBytes === undefined
      ? `more than the ${writtenBytes} bytes that were written are needed`
      : `${neededBytes} bytes are needed, ${writtenBytes} were written`;
  const hint = file.hint ?? error.hint;
  const message = `${error.message}: ${needed}, ${freeBytes} are free`;
  const details = { cause: error, ...(hint === undefined ? {} : { hint }) };
  const result = new WickError("DISK_FULL", message, details);
  explained.add(result);
  return result;
}

function factsOf(file: FullDisk): { writtenBytes: number; freeBytes: number } | undefined {
  try {
    const { bavail, bsize } = statfsSync("path" in file ? dirname(file.path) : file.directory);
    const writtenBytes = "path" in file ? statSync(file.path).blocks * 512 : file.writtenBytes;
    return { writtenBytes, freeBytes: bavail * bsize };
  } catch {
    return undefined;
  }
}
