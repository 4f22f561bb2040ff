import { WickError } from "../errors/index.ts";
import type { Entry } from "./entry.ts";
import { showPath } from "./resolve.ts";

/** PATH_MAX less its NUL: the longest symlink that Linux makes. */
const MAX_TARGET_BYTES = 4095;
/** MINORBITS of include/linux/kdev_t.h: what a device number holds. */
const MAX_MAJOR = 2 ** 12 - 1;
const MAX_MINOR = 2 ** 20 - 1;

/** Refuses a path that Linux could not have. */
export function checkPath(entry: Entry): void {
  if (entry.path.length === 0) throw conflict(entry, "its path is empty");
  if (entry.path.includes(0)) throw conflict(entry, "its path holds a NUL byte");
}

/** Refuses what Linux could not make at a path, whatever the file system. */
export function checkNode(entry: Entry): void {
  if (entry.type === "symlink") checkTarget(entry);
  else if (entry.type === "hardlink" && (entry.target?.length ?? 0) === 0) {
    throw conflict(entry, "a hard link to no path");
  } else if (entry.type === "char" || entry.type === "block") checkDevice(entry);
}

function checkTarget(entry: Entry): void {
  const length = entry.target?.length ?? 0;
  if (length === 0 || length > MAX_TARGET_BYTES) {
    throw conflict(entry, `a symlink of ${length} bytes, Linux allows 1 to ${MAX_TARGET_BYTES}`);
  }
  if (entry.target!.includes(0)) throw conflict(entry, "its link target holds a NUL byte");
}

function checkDevice(entry: Entry): void {
  const { major, minor } = entry.rdev ?? { major: -1, minor: -1 };
  if (major >= 0 && major <= MAX_MAJOR && minor >= 0 && minor <= MAX_MINOR) return;
  const allowed = `Linux allows 0:0 to ${MAX_MAJOR}:${MAX_MINOR}`;
  throw new WickError(
    "VALUE_OUT_OF_RANGE",
    `Cannot add "${showPath(entry.path)}": device ${major}:${minor}, ${allowed}`,
  );
}

/** An entry that cannot be what it says, there where it says. */
export function conflict(entry: Entry, problem: string): WickError {
  return new WickError("PATH_CONFLICT", `Cannot add "${showPath(entry.path)}": ${problem}`);
}
