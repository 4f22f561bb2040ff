import { sanitise } from "../bytes/index.ts";
import { type ErrorCode, WickError } from "../errors/index.ts";

interface Meaning {
  readonly code: ErrorCode;
  readonly words: string;
  readonly hint?: string;
}

/** What the kernel's error names mean to a user of wick. */
const meanings: Readonly<Record<string, Meaning>> = {
  ENOSPC: {
    code: "DISK_FULL",
    words: "the disk is full",
    hint: "free some space, or write to another disk",
  },
  EDQUOT: {
    code: "DISK_FULL",
    words: "the disk quota is used up",
    hint: "free some space, or write to another disk",
  },
  EFBIG: {
    code: "DISK_FULL",
    words: "the file would pass the limit on file sizes",
    hint: "raise it with: ulimit -f unlimited",
  },
  EACCES: { code: "PERMISSION", words: "permission denied" },
  EPERM: { code: "PERMISSION", words: "operation not permitted" },
  EROFS: { code: "PERMISSION", words: "the file system is read-only" },
  ENOENT: { code: "SOURCE_NOT_FOUND", words: "no such file or directory" },
  ENOTDIR: { code: "SOURCE_NOT_FOUND", words: "a part of the path is not a directory" },
  ENAMETOOLONG: { code: "USAGE", words: "a name of the path is too long" },
  EISDIR: { code: "IO", words: "it is a directory" },
  EMFILE: {
    code: "IO",
    words: "too many open files",
    hint: "raise the limit with: ulimit -n 1024",
  },
  EADDRINUSE: { code: "PORT_BUSY", words: "the address is in use" },
  EIO: { code: "IO", words: "input/output error" },
};

/** The errno name that a Node error carries, if any. */
export function errnoOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === "string" ? code : undefined;
}

/**
 * What the machine answered, as wick's own error: `Cannot <action>: <what the errno means>`.
 * Errors that are wick's own already pass unchanged.
 */
export function hostError(error: unknown, action: string): WickError {
  if (error instanceof WickError) return error;
  const errno = errnoOf(error);
  const meaning = errno === undefined ? undefined : meanings[errno];
  const words = meaning?.words ?? sanitise(error instanceof Error ? error.message : String(error));
  const suffix = meaning === undefined || errno === undefined ? "" : ` (${errno})`;
  return new WickError(meaning?.code ?? "IO", `Cannot ${action}: ${words}${suffix}`, {
    cause: error,
    ...(meaning?.hint === undefined ? {} : { hint: meaning.hint }),
  });
}
