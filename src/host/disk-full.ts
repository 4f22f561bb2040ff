import { statfsSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { isWickError, WickError } from "../errors/index.ts";

/** What was being written when a disk was full. */
export interface FullDisk {
  /** The file that is there in part. */
  readonly path: string;
  /** Its size when whole, where that is known. */
  readonly neededBytes?: number;
}

/** DISK_FULL with what is needed and what is free; any other error as it is. */
export function explainFullDisk(error: unknown, { path, neededBytes }: FullDisk): unknown {
  if (!isWickError(error, "DISK_FULL")) return error;
  const facts = factsOf(path);
  if (facts === undefined) return error;
  const { writtenBytes, freeBytes } = facts;
  const needed =
    neededBytes === undefined
      ? `more than the ${writtenBytes} bytes that were written are needed`
      : `${neededBytes} bytes are needed, ${writtenBytes} were written`;
  const hint = error.hint === undefined ? {} : { hint: error.hint };
  const message = `${error.message}: ${needed}, ${freeBytes} are free`;
  return new WickError("DISK_FULL", message, { ...hint, cause: error });
}

function factsOf(path: string): { writtenBytes: number; freeBytes: number } | undefined {
  try {
    const { bavail, bsize } = statfsSync(dirname(path));
    return { writtenBytes: statSync(path).blocks * 512, freeBytes: bavail * bsize };
  } catch {
    return undefined;
  }
}
