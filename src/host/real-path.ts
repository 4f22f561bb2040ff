import { realpathSync } from "node:fs";
import { display, sanitise } from "../bytes/index.ts";
import { checkFault } from "./faults.ts";
import { errnoOf, hostError } from "./host-error.ts";
import type { BytePath } from "./walk.ts";

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

/** As {@link realPath}, for paths whose names need not be UTF-8. */
export function realBytePath(path: BytePath): BytePath | undefined {
  try {
    checkFault("stat", display(path));
    return realpathSync.native(Buffer.from(path), { encoding: "buffer" });
  } catch (error) {
    if (errnoOf(error) === "ENOENT" || errnoOf(error) === "ENOTDIR") return undefined;
    throw hostError(error, `look at ${display(path)}`);
  }
}
