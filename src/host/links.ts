import { linkSync, mkdirSync, renameSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { sanitise } from "../bytes/index.ts";
import { checkFault } from "./faults.ts";
import { errnoOf, hostError } from "./host-error.ts";
import { randomName } from "./temporary.ts";

/** Points the symbolic link `path` at `target` in one step: a reader sees the old or the new one. */
export function replaceSymlink(path: string, target: string): void {
  const temporary = join(dirname(path), `.link-${randomName()}`);
  try {
    checkFault("rename", path);
    symlinkSync(target, temporary);
    renameSync(temporary, path);
  } catch (error) {
    throw hostError(error, `point ${sanitise(path)} at ${sanitise(target)}`);
  }
}

/** Moves a file or directory within one file system; what was at `to` gives way. */
export function movePath(from: string, to: string): void {
  try {
    checkFault("rename", to);
    renameSync(from, to);
  } catch (error) {
    throw hostError(error, `move ${sanitise(from)} to ${sanitise(to)}`);
  }
}

/** Gives a file a second name; false where the file system or a missing file does not allow it. */
export function tryHardLink(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === "ENOSPC" || errno === "EDQUOT") throw hostError(error, `link ${sanitise(to)}`);
    return false;
  }
}

/** Makes one directory, readable by its user alone, which must not be there. */
export function makeNewDirectory(path: string): void {
  try {
    checkFault("mkdir", path);
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    throw hostError(error, `make the directory ${sanitise(path)}`);
  }
}
