import { realpathSync } from "node:fs";
import { sanitise } from "../bytes/index.ts";
import { checkFault } from "./faults.ts";
import { errnoOf, hostError } from "./host-error.ts";

/** `path` without links on the way or at the end; undefined when nothing is there. */
export function realPath(path: string): string | undefined {
  try {
    checkFault("stat", path);
    return realpathSync(path);
  } catch (error) {
    if (errnoOf(error) === "ENOENT" || errnoOf(error) === "ENOTDIR") return undefined;
    throw hostError(error, `look at ${sanitise(path)}`);
  }
}
