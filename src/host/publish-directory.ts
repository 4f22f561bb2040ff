import { chmodSync, renameSync } from "node:fs";
import { dirname, join } from "node:path";
import { sanitise } from "../bytes/index.ts";
import { WickError } from "../errors/index.ts";
import { checkFault } from "./faults.ts";
import { makePrivateDirectory, removePath, statOf } from "./files.ts";
import { errnoOf, hostError } from "./host-error.ts";
import { movePath } from "./links.ts";
import { listDirectory, readSymlink } from "./listing.ts";
import { randomName, temporaryDirectory } from "./temporary.ts";

/** How a finished directory is published. */
export interface PublishDirectoryOptions {
  /** Permission bits of the finished directory, less the user's umask; 0700 by default. */
  readonly mode?: number;
  /** Told the temporary's path; what it gives is disposed when that is gone. */
  readonly claim?: ((temporary: string) => Promise<Disposable>) | undefined;
}

/**
 * Makes a directory that is whole or absent: `fill` works in a temporary one beside it, which is
 * then renamed. What was at `path` before is replaced, and comes back where that fails; when
 * somebody else published meanwhile, theirs stays.
 */
export async function publishDirectory<T>(
  path: string,
  fill: (temporary: string) => Promise<T>,
  { mode = 0o700, claim }: PublishDirectoryOptions = {},
): Promise<T> {
  makePrivateDirectory(dirname(path));
  using temporary = temporaryDirectory("new", dirname(path));
  using _ = await claim?.(temporary.path);
  const result = await fill(temporary.path);
  try {
    chmodSync(temporary.path, mode & ~process.umask());
    replace(path, temporary.path);
  } catch (error) {
    throw hostError(error, `publish ${sanitise(path)}`);
  }
  return result;
}

/** No call of Node's exchanges two directories: the former one steps aside for a moment. */
function replace(path: string, by: string): void {
  if (statOf(path) === undefined && readSymlink(path) === undefined)
    return moveUnlessLost(by, path);
  const former = join(dirname(path), `wick-old-${randomName()}`);
  movePath(path, former);
  try {
    moveUnlessLost(by, path);
  } catch (error) {
    movePath(former, path);
    throw error;
  }
  removePath(former);
}

/** Of two that publish at once one loses: the other one made the same from the same. */
function moveUnlessLost(from: string, to: string): void {
  try {
    checkFault("rename", to);
    renameSync(from, to);
  } catch (error) {
    if (errnoOf(error) !== "ENOTEMPTY") throw error;
  }
}

/**
 * Refuses what `publishDirectory` must not replace: a file, and a directory that holds anything
 * but `names`. USAGE, SOURCE_NOT_FOUND; told before anything is fetched.
 */
export function checkOutputDirectory(path: string, names: readonly string[]): void {
  const status = statOf(path);
  const isLink = readSymlink(path) !== undefined;
  if (status === undefined && !isLink) return checkAbove(path);
  if (isLink || status?.isDirectory() !== true) {
    const is = isLink ? "a link" : "no directory";
    throw new WickError("USAGE", `Cannot write ${sanitise(path)}: it is ${is}, wanted a directory`);
  }
  const foreign = listDirectory(path).find(({ name }) => !names.includes(name));
  if (foreign === undefined) return;
  throw new WickError(
    "USAGE",
    `Cannot replace the directory ${sanitise(path)}: it holds ${sanitise(foreign.name)}, wanted an empty or new one, or one of ${names.join(" and ")}`,
    { hint: "name another directory with -o" },
  );
}

function checkAbove(path: string): void {
  const directory = dirname(path);
  if (statOf(directory)?.isDirectory() === true) return;
  throw new WickError(
    "SOURCE_NOT_FOUND",
    `Cannot write ${sanitise(path)}: there is no directory ${sanitise(directory)}`,
    { hint: "make the directory first, with mkdir -p" },
  );
}
