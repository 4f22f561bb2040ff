import { chownSync, rmdirSync } from "node:fs";
import { sanitise } from "../bytes/index.ts";
import { checkFault } from "./faults.ts";
import { errnoOf, hostError } from "./host-error.ts";

/** Gives a file to another user; root alone may. */
export function changeOwner(
  path: string,
  { uid, gid }: { readonly uid: number; readonly gid: number },
): void {
  try {
    checkFault("write", path);
    chownSync(path, uid, gid);
  } catch (error) {
    throw hostError(error, `give ${sanitise(path)} to user ${uid}`);
  }
}

/** Removes a directory in which nothing lies; one that is not there, or in use, is left. */
export function removeIfEmpty(path: string): void {
  try {
    checkFault("unlink", path);
    rmdirSync(path);
  } catch (error) {
    if (["ENOENT", "ENOTEMPTY", "EBUSY"].includes(errnoOf(error) ?? "")) return;
    throw hostError(error, `remove ${sanitise(path)}`);
  }
}
