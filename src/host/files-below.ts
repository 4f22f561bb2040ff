import { readdirSync } from "node:fs";
import { join } from "node:path";
import { sanitise } from "../bytes/index.ts";
import { WickError } from "../errors/index.ts";
import { checkFault } from "./faults.ts";
import { errnoOf, hostError } from "./host-error.ts";

/** Names below one directory that are more than any tree of kernel modules has. */
const ENTRY_LIMIT = 100_000;

/** Paths of all regular files below `directory`, in order; links are not followed. */
export function filesBelow(directory: string): string[] {
  try {
    checkFault("readdir", directory);
    const entries = readdirSync(directory, { recursive: true, withFileTypes: true });
    if (entries.length > ENTRY_LIMIT) {
      throw new WickError(
        "IO",
        `Cannot search ${sanitise(directory)}: ${entries.length} entries, wanted at most ${ENTRY_LIMIT}`,
      );
    }
    return entries
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .sort();
  } catch (error) {
    throw hostError(error, `search ${sanitise(directory)}`);
  }
}

/** Paths of the directories in `directory`, in order; none when it is not there. */
export function directoriesIn(directory: string): string[] {
  try {
    checkFault("readdir", directory);
    return readdirSync(directory, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => join(directory, entry.name))
      .sort();
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return [];
    throw hostError(error, `list ${sanitise(directory)}`);
  }
}
