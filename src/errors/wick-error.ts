import type { ErrorCode } from "./codes.ts";

/** What an error carries beside its message. */
export interface ErrorDetails {
  /** What to do about it, one sentence without the word "Hint". */
  readonly hint?: string;
  /** The error that this one explains. */
  readonly cause?: unknown;
  /** Lines that help to see what happened: a log's tail, a tool's stderr. */
  readonly detail?: readonly string[];
}

/**
 * The one error type of the library. The message is a sentence of the form
 * `Cannot <action> <where>: <what is>, wanted <what>`.
 */
export class WickError extends Error {
  override readonly name = "WickError";
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly detail: readonly string[];

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.hint = details.hint;
    this.detail = details.detail ?? [];
  }
}

/** Whether `error` is wick's own, optionally with one of `codes`. */
export function isWickError(error: unknown, ...codes: readonly ErrorCode[]): error is WickError {
  return error instanceof WickError && (codes.length === 0 || codes.includes(error.code));
}

/** Names the archive in an error of its reader, which does not know it; other errors stay. */
export function inArchive(error: unknown, name: string): unknown {
  if (!isWickError(error, "ARCHIVE_INVALID", "ARCHIVE_LIMIT")) return error;
  const { code, message, hint } = error;
  return new WickError(code, `${message} (in ${name})`, {
    cause: error,
    ...(hint === undefined ? {} : { hint }),
  });
}
