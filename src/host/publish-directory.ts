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
  if (!movedAside(path, former)) return moveUnlessLost(by, path);
  try {
    moveUnlessLost(by, path);
  } catch (error) {
    movePath(former, path);
    throw error;
  }
  removePath(former);
}

/** False where another one that publishes has moved it aside in this very moment. */
function movedAside(path: string, former: string): boolean {
  try {
    movePath(path, former);
    return true;
  } catch (error) {
    if (statOf(path) === undefined) return false;
    throw error;
  }
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

/** Of which kind a directory is that `publishDirectory` may replace. */
export interface OutputKind {
  /** All names that it may hold. */
  readonly names: readonly string[];
  /** The one that it always holds: without it, what lies there is the user's. */
  readonly mark: string;
  /** The option that names the directory. */
  readonly option: string;
}

/**
 * Refuses what `publishDirectory` must not replace, or cannot: a file, a mount point, a directory
 * that holds anything else than a former one of its kind. USAGE, SOURCE_NOT_FOUND; told before
 * anything is fetched.
 */
export function checkOutputDirectory(path: string, kind: OutputKind): void {
  const status = statOf(path);
  const isLink = readSymlink(path) !== undefined;
  if (status === undefined && !isLink) return checkAbove(path);
  if (isLink || status?.isDirectory() !== true) {
    const is = isLink ? "a link" : "no directory";
    throw new WickError("USAGE", `Cannot write ${sanitise(path)}: it is ${is}, wanted a directory`);
  }
  checkFormer(path, kind);
  if (status.dev !== statOf(dirname(path))?.dev) throw mountPoint(path, kind);
}

function checkFormer(path: string, { names, mark, option }: OutputKind): void {
  const held = listDirectory(path).map(({ name }) => name);
  if (held.length === 0) return;
  const foreign =
    held.find((name) => !names.includes(name)) ?? (held.includes(mark) ? undefined : held[0]);
  if (foreign === undefined) return;
  throw new WickError(
    "USAGE",
    `Cannot replace the directory ${sanitise(path)}: it holds ${sanitise(foreign)}, wanted an empty or new one, or one that wick made with ${mark} in it`,
    { hint: `name another directory with ${option}` },
  );
}

/** It cannot be renamed, so nothing can be put in its place at once. */
function mountPoint(path: string, { option }: OutputKind): WickError {
  return new WickError(
    "USAGE",
    `Cannot replace the directory ${sanitise(path)}: a file system is mounted there`,
    { hint: `name a directory in it: ${option} ${sanitise(join(path, "out"))}` },
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
