import { join } from "node:path";
import { listDirectory, removePath, tryLockFile, unixSeconds } from "../host/index.ts";
import { removeClaimed } from "./claims.ts";
import type { StoreLayout } from "./layout.ts";
import { tryRemove } from "./temporary-file.ts";

/** A part that nobody went on with for so long is not waited for any more: a week. */
const PART_KEPT_SECONDS = 7 * 24 * 3600;

/** Names of what `publish` and `publishDirectory` write before they rename. */
const PUBLISHING = /^\..*\.wick-[0-9a-f]+\.tmp$|^wick-new-/;

/**
 * Removes what processes that are gone left in the store, and what they claimed elsewhere.
 * Only for who holds the store's lock alone. Whether an owner lives is told by locks (S14):
 * a clock decides nothing but how long a part of a blob is kept for a next attempt.
 * What cannot be removed stays: sweeping is never what a user asked for.
 */
export async function sweep(layout: StoreLayout): Promise<void> {
  const now = unixSeconds();
  for (const { name, changedAt, isDirectory } of listDirectory(layout.tmp)) {
    const isResumable = name.endsWith(".part") && changedAt > now - PART_KEPT_SECONDS;
    // Directories are nobody's but of those who use the store, and there is none of them.
    if (isDirectory) tryRemove(join(layout.tmp, name));
    else if (!isResumable) await removeUnlocked(join(layout.tmp, name));
  }
  for (const directory of [layout.names, layout.kernels]) removePublishing(directory);
  for (const directory of imageDirectories(layout)) {
    removePublishing(directory);
    if (!hasRecord(directory)) await removeUnlocked(join(directory, "lock"), directory);
  }
}

/** An image's directory without a record holds what was never finished. */
function hasRecord(directory: string): boolean {
  return listDirectory(directory).some(({ name }) => name.endsWith(".json"));
}

function imageDirectories({ images }: StoreLayout): string[] {
  return listDirectory(images).map(({ name }) => join(images, name));
}

function removePublishing(directory: string): void {
  for (const { name } of listDirectory(directory)) {
    if (PUBLISHING.test(name)) tryRemove(join(directory, name));
  }
}

/** Removes `whole` (the locked file itself by default) unless somebody holds the lock. */
async function removeUnlocked(path: string, whole = path): Promise<void> {
  try {
    using lock = await tryLockFile(path, { mode: "exclusive" });
    if (lock === undefined) return;
    if (path.endsWith(".claim")) removeClaimed(path);
    removePath(whole);
  } catch {
    // See above.
  }
}
