import { lstatSync, type Stats } from "node:fs";
import { sanitise } from "../bytes/index.ts";
import { WickError } from "../errors/index.ts";
import { checkFault } from "./faults.ts";
import { hostError } from "./host-error.ts";

/** Permissions of the group and of everybody else. */
const OTHERS = 0o077;

/** Fails unless `path` is a directory (no link) of this user's, closed to everybody else. */
export function checkPrivateDirectory(path: string): void {
  let stats: Stats;
  try {
    checkFault("stat", path);
    stats = lstatSync(path);
  } catch (error) {
    throw hostError(error, `look at ${sanitise(path)}`);
  }
  const what = whyNotPrivate(stats);
  if (what === undefined) return;
  throw new WickError(
    "PERMISSION",
    `Cannot keep private files in ${sanitise(path)}: ${what}, wanted a directory of yours with mode 0700`,
  );
}

function whyNotPrivate(stats: Stats): string | undefined {
  if (!stats.isDirectory()) return stats.isSymbolicLink() ? "a symbolic link" : "no directory";
  if (stats.uid !== process.getuid?.()) return `it belongs to user ${stats.uid}`;
  const mode = stats.mode & 0o7777;
  return (mode & OTHERS) === 0 ? undefined : `its mode is ${mode.toString(8).padStart(4, "0")}`;
}
