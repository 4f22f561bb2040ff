import { accessSync, constants } from "node:fs";
import { checkFault } from "./faults.ts";
import { errnoOf } from "./host-error.ts";

/** Whether this user may read and write what is at `path`; undefined when nothing is there. */
export function mayUse(path: string): boolean | undefined {
  return mayDo(path, constants.R_OK | constants.W_OK);
}

/** Whether there is something at `path` that this user may read. */
export function mayRead(path: string): boolean {
  return mayDo(path, constants.R_OK) === true;
}

function mayDo(path: string, mode: number): boolean | undefined {
  try {
    checkFault("stat", path);
    accessSync(path, mode);
    return true;
  } catch (error) {
    return errnoOf(error) === "ENOENT" ? undefined : false;
  }
}
