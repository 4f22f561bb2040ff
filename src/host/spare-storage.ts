import { statfsSync } from "node:fs";
import { tmpdir } from "node:os";
import type { FileStorage } from "./file-storage.ts";
import { temporaryStorage } from "./temporary-storage.ts";

/** `f_type` of file systems that are memory (include/uapi/linux/magic.h): tmpfs, ramfs. */
const IN_MEMORY = [0x01021994, 0x858458f6];
/** What is only there to be faster takes no more than this share of what is free. */
const SHARE = 16;

/**
 * A temporary file without a name for up to `sizeBytes` that could be done without; undefined
 * where the disk for temporary files is short of room, or no disk.
 */
export function spareStorage(purpose: string, sizeBytes: number): FileStorage | undefined {
  try {
    const { type, bavail, bsize } = statfsSync(tmpdir());
    if (IN_MEMORY.includes(type) || bavail * bsize < SHARE * sizeBytes) return undefined;
    return temporaryStorage(purpose);
  } catch {
    return undefined; // whoever needs the disk will say what is wrong with it
  }
}
