import { join } from "node:path";
import { unixSeconds } from "./clock.ts";
import { removePath } from "./files.ts";
import { listDirectory } from "./listing.ts";
import { TEMPORARY_PREFIX } from "./temporary.ts";

/** Nothing that is still at work leaves its directory untouched for so long. */
const ABANDONED_SECONDS = 3600;

/**
 * Removes from a directory of ours what killed processes left: temporaries, and what else
 * `isOurs` names, once they are an hour old. Whose process may live is not asked: pids of
 * other containers that share the directory mean nothing here. What cannot be removed stays:
 * sweeping is never what a user asked for.
 */
export function removeAbandoned(
  directory: string,
  isOurs: (name: string) => boolean = () => false,
): void {
  const limit = unixSeconds() - ABANDONED_SECONDS;
  for (const { name, changedAt } of listDirectory(directory)) {
    const isAbandoned = name.startsWith(TEMPORARY_PREFIX) || isOurs(name);
    if (isAbandoned && changedAt < limit) tryRemove(join(directory, name));
  }
}

function tryRemove(path: string): void {
  try {
    removePath(path);
  } catch {
    // See above.
  }
}
