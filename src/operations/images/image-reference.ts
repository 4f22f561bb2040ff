import { parseSource } from "../../sources/index.ts";

/** The absolute path of a finished image that `source` names, or undefined: it must be built. */
export function imageReference(source: string, workingDirectory: string): string | undefined {
  const { kind, rest } = parseSource(source, { cwd: workingDirectory });
  return kind === "image" ? rest : undefined;
}
