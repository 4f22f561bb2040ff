import { statfsSync } from "node:fs";
import { sanitise } from "../bytes/index.ts";
import { checkFault } from "./faults.ts";
import { hostError } from "./host-error.ts";

/** Bytes that an ordinary user may still write on the file system of `path`. */
export function freeBytes(path: string): number {
  try {
    checkFault("stat", path);
    const { bavail, bsize } = statfsSync(path);
    return bavail * bsize;
  } catch (error) {
    throw hostError(error, `look at the free space of ${sanitise(path)}`);
  }
}
