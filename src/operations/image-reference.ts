import { parseSource } from "../sources/index.ts";

/** The absolute path of a finished image that `source` names, or undefined: it must be built. */
export function imageReference(source: string, workingDirectory: string): string | undefined {
  const parsed = parseSource(source, { workingDirectory });
  return parsed.kind === "image" ? parsed.path : undefined;
}
