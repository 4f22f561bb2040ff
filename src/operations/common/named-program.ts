import { resolve } from "node:path";
import type { Context } from "./context.ts";

/** The program that a variable such as WICK_FIRECRACKER names, absolute; undefined: that of PATH. */
export function namedProgram(
  variable: string,
  { environment, workingDirectory }: Pick<Context, "environment" | "workingDirectory">,
): string | undefined {
  const named = environment[variable] ?? "";
  return named === "" ? undefined : resolve(workingDirectory, named);
}
