import { isWickError, type ErrorCode } from "../../src/errors/index.ts";

/** The code of the error that `action` throws; words that equal no code otherwise. */
export function codeOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    return isWickError(error) ? error.code : `not ours: ${String(error)}`;
  }
  return "no error";
}

/** The sentence of the error of `code` that `action` throws. */
export function messageOf(action: () => unknown, code: ErrorCode = "USAGE"): string {
  try {
    action();
  } catch (error) {
    return isWickError(error, code) ? error.message : `not ours: ${String(error)}`;
  }
  return "no error";
}
