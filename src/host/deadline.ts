import { WickError, type ErrorCode } from "../errors/index.ts";
import { throwIfAborted } from "./files.ts";

/** A bound on waiting: an overall time, and the caller's own signal. */
export interface Deadline {
  /** `promise`, or an error of `code` that says what was awaited, or INTERRUPTED. */
  within<T>(promise: Promise<T>, awaited: string): Promise<T>;
  remainingMs(): number;
}

/** A deadline `ms` from now; an expiry reads `Cannot <action>: no <awaited> after N s`. */
export function deadline(options: {
  readonly ms: number;
  readonly action: string;
  readonly code: ErrorCode;
  readonly signal?: AbortSignal | undefined;
}): Deadline {
  const { ms, action, code, signal } = options;
  const end = performance.now() + ms;
  const remainingMs = (): number => Math.max(0, end - performance.now());
  const expired = (awaited: string): WickError =>
    new WickError(code, `Cannot ${action}: no ${awaited} after ${ms / 1000} s`);
  return {
    remainingMs,
    async within(promise, awaited) {
      // Whoever stops waiting must not leave a later failure without anybody to take it.
      promise.catch(() => {});
      throwIfAborted(signal);
      let stopWaiting = (): void => {};
      const bound = new Promise<never>((_, reject) => {
        const timer = setTimeout(() => reject(expired(awaited)), remainingMs());
        const abort = (): void => reject(interruption(signal));
        signal?.addEventListener("abort", abort, { once: true });
        stopWaiting = () => {
          clearTimeout(timer);
          signal?.removeEventListener("abort", abort);
        };
      });
      try {
        return await Promise.race([promise, bound]);
      } finally {
        stopWaiting();
      }
    },
  };
}

function interruption(signal: AbortSignal | undefined): unknown {
  try {
    throwIfAborted(signal);
  } catch (error) {
    return error;
  }
  return new WickError("INTERNAL", "Cannot wait any longer: an abort event without an abort");
}
