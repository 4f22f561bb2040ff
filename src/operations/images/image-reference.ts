import { holdsInitramfs, parseSource } from "../../sources/index.ts";
import type { Context } from "../common/context.ts";

/** The absolute path of a finished image that `source` names, or undefined: it must be built. */
export async function imageReference(
  source: string,
  { workingDirectory, signal }: Context,
): Promise<string | undefined> {
  const { kind, rest, isGuess } = parseSource(source, { cwd: workingDirectory });
  if (kind === "image") return rest;
  return isGuess === true && (await holdsInitramfs(rest, signal)) ? rest : undefined;
}
