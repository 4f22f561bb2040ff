import { join } from "node:path";
import { listDirectory, removePath, tryLockFile, unixSeconds } from "../host/index.ts";
import { removeClaimed } from "./claims.ts";
import type { StoreLayout } from "./layout.ts";
import { tryRemove } from "./temporary-file.ts";

/** A part that nobody went on with for so long is not waited for any more: a week. */
const PART_KEPT_SECONDS = 7 * 24 * 3600;

/** Names of what `publish` and `publishDirectory` write before they rename. */
const PUBLISHING = /^\..*\.wick-[0-9a-f]+\.tmp$|^wick-(new|old)-/;

/** Something that a process that is gone may have left. */
interface Leftover {
  readonly path: string;
  /** What its owner, should he live, has locked; undefined: only users of the store own such. */
  readonly lock?: string;
}

/**
 * Removes what processes that are gone left in the store, and what they claimed elsewhere.
 * Only for who holds the store's lock alone. Whether an owner lives is told by locks (S14):
 * a clock decides nothing but how long a part of a blob is kept for a next attempt.
 * What cannot be removed stays: sweeping is never what a user asked for.
 */
export async function sweep(layout: StoreLayout): Promise<void> {
  for (const { path, lock } of leftBehind(layout)) {
    if (lock === undefined) tryRemove(path);
    else await removeUnlocked(lock, path);
  }
}

/** Whether there is something to sweep, or something that a command at work will take away. */
export function hasLeftovers(layout: StoreLayout): boolean {
  return leftBehind(layout).length > 0;
}

function leftBehind(layout: StoreLayout): Leftover[] {
  return [
    ...temporariesIn(layout),
    ...[layout.names, layout.kernels].flatMap(publishingIn),
    ...listDirectory(layout.images).flatMap(({ name }) => leftOfImage(join(layout.images, name))),
  ];
}

function temporariesIn({ tmp }: StoreLayout): Leftover[] {
  const since = unixSeconds() - PART_KEPT_SECONDS;
  return listDirectory(tmp)
    .filter(({ name, changedAt }) => !(name.endsWith(".part") && changedAt > since))
    .map(({ name, isDirectory }) => {
      const path = join(tmp, name);
      return isDirectory ? { path } : { path, lock: path };
    });
}

function publishingIn(directory: string): Leftover[] {
  return listDirectory(directory)
    .filter(({ name }) => PUBLISHING.test(name))
    .map(({ name }) => ({ path: join(directory, name) }));
}

function leftOfImage(directory: string): Leftover[] {
  const unfinished = { path: directory, lock: join(directory, "lock") };
  return [...publishingIn(directory), ...(hasRecord(directory) ? [] : [unfinished])];
}

/** An image's directory without a record holds what was never finished. */
function hasRecord(directory: string): boolean {
  return listDirectory(directory).some(({ name }) => name.endsWith(".json"));
}

/** Removes `whole` unless somebody holds the lock at `path`. */
async function removeUnlocked(path: string, whole: string): Promise<void> {
  try {
    using lock = await tryLockFile(path, { mode: "exclusive" });
    if (lock === undefined) return;
    if (path.endsWith(".claim")) removeClaimed(path);
    removePath(whole);
  } catch {
    // See above.
  }
}
