import { readdirSync, readlinkSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { sanitise } from "../bytes/index.ts";
import { checkFault } from "./faults.ts";
import { errnoOf, hostError } from "./host-error.ts";

/** A file in a directory; those that vanish meanwhile are left out. */
export interface ListedFile {
  readonly name: string;
  readonly sizeBytes: number;
  /** Seconds since 1970 of the last change. */
  readonly changedAt: number;
  readonly isDirectory: boolean;
}

/** What a directory holds, sorted by name; nothing when it is not there. */
export function listDirectory(path: string): ListedFile[] {
  try {
    checkFault("readdir", path);
    const names = readdirSync(path).sort();
    return names.flatMap((name) => listed(path, name));
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return [];
    throw hostError(error, `list ${sanitise(path)}`);
  }
}

function listed(directory: string, name: string): ListedFile[] {
  try {
    const status = statSync(join(directory, name));
    return [
      {
        name,
        sizeBytes: status.size,
        changedAt: Math.floor(status.mtimeMs / 1000),
        isDirectory: status.isDirectory(),
      },
    ];
  } catch {
    return [];
  }
}

/** Where a symbolic link points; undefined when there is none at `path`. */
export function readSymlink(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

/** Writes a small file of our own at once; for what need not survive a power cut. */
export function writeSmallFile(path: string, contents: string): void {
  try {
    checkFault("write", path);
    writeFileSync(path, contents, { mode: 0o600 });
  } catch (error) {
    throw hostError(error, `write ${sanitise(path)}`);
  }
}

/**
 * Calls `look` now and then (every `intervalMs`) until the returned function is called. A look
 * that fails is the last one: whoever works on what it looks at meets the same error, and
 * thrown from a timer it would end Node.
 */
export function every(intervalMs: number, look: () => void): () => void {
  const timer = setInterval(() => {
    try {
      look();
    } catch {
      clearInterval(timer);
    }
  }, intervalMs);
  // A forgotten look must not keep the process alive.
  timer.unref();
  return () => clearInterval(timer);
}
