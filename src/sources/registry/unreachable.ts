import { isWickError, WickError } from "../../errors/index.ts";

/**
 * An error of a connection, which knows only the host, with what was wanted there and what to
 * try; others as they are. `action` as in `Cannot <action>`.
 */
export function unreachable(error: unknown, action: string): unknown {
  if (!isWickError(error, "REGISTRY_FAILED") || !error.message.startsWith("Cannot reach ")) {
    return error;
  }
  return new WickError(error.code, `Cannot ${action}: ${error.message.replace(/^C/, "c")}`, {
    hint: error.hint ?? "does a registry run there? What was pulled before needs none",
    cause: error,
  });
}
