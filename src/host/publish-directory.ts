import { renameSync } from "node:fs";
import { dirname } from "node:path";
import { sanitise } from "../bytes/index.ts";
import { checkFault } from "./faults.ts";
import { makePrivateDirectory, removePath } from "./files.ts";
import { errnoOf, hostError } from "./host-error.ts";
import { temporaryDirectory } from "./temporary.ts";

/**
 * Makes a directory (0700) that is whole or absent: `fill` works in a temporary one beside it,
 * which is then renamed. What was at `path` before is replaced; when somebody else published
 * meanwhile, theirs stays.
 */
export async function publishDirectory<T>(
  path: string,
  fill: (temporary: string) => Promise<T>,
): Promise<T> {
  makePrivateDirectory(dirname(path));
  using temporary = temporaryDirectory("new", dirname(path));
  const result = await fill(temporary.path);
  try {
    removePath(path);
    checkFault("rename", path);
    renameSync(temporary.path, path);
  } catch (error) {
    // Lost a race: the other one made the same from the same.
    if (errnoOf(error) !== "ENOTEMPTY") {
      throw hostError(error, `publish ${sanitise(path)}`);
    }
  }
  return result;
}
