import { WickError, isWickError, type ErrorCode } from "../errors/index.ts";
import type { FileRegion } from "../host/index.ts";

/** What a worker is asked to do. */
export interface InflateJob {
  readonly region: FileRegion;
  /** For messages. */
  readonly name: string;
  /** Whether the plain bytes are digested too. */
  readonly wantsPlainDigest: boolean;
  /** Path of a file for what the ring has no room for before somebody reads. */
  readonly spool?: string | undefined;
}

/** What a worker says, or is said of it, once: all is done, why not, it is gone. */
export type InflateReply =
  | { readonly type: "end"; readonly stored: string; readonly plain: string }
  | { readonly type: "failed"; readonly error: PlainError }
  | { readonly type: "lost"; readonly why: string };

/** A {@link WickError} as it travels between threads, where classes do not. */
export interface PlainError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint: string | undefined;
  readonly detail: readonly string[];
}

export function toPlainError(error: unknown): PlainError {
  if (isWickError(error)) {
    const { code, message, hint, detail } = error;
    return { code, message, hint, detail };
  }
  return { code: "INTERNAL", message: String(error), hint: undefined, detail: [] };
}

export function fromPlainError({ code, message, hint, detail }: PlainError): WickError {
  return new WickError(code, message, { detail, ...(hint === undefined ? {} : { hint }) });
}
