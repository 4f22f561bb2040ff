import { accessSync, constants } from "node:fs";
import { checkFault } from "./faults.ts";
import { errnoOf } from "./host-error.ts";

/** Whether this user may read and write what is at `path`; undefined when nothing is there. */
export function mayUse(path: string): boolean | undefined {
  try {
    checkFault("stat", path);
    accessSync(path, constants.R_OK | constants.W_OK);
    return true;
  } catch (error) {
    return errnoOf(error) === "ENOENT" ? undefined : false;
  }
}
