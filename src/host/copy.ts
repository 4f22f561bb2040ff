import { chmodSync, constants, copyFileSync } from "node:fs";
import { sanitise } from "../bytes/index.ts";
import { checkFault } from "./faults.ts";
import { hostError } from "./host-error.ts";

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
