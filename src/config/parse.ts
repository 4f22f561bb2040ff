import * as v from "valibot";
import { sanitise } from "../bytes/index.ts";
import { WickError } from "../errors/index.ts";

/** `options` as `schema` has them; else USAGE with every problem and its path at once. */
export function parseOptions<S extends v.GenericSchema>(
  schema: S,
  options: unknown,
  action: string,
): v.InferOutput<S> {
  const result = v.safeParse(schema, options);
  if (result.success) return result.output;
  const problems = result.issues.map(problemLine);
  throw new WickError("USAGE", `Cannot ${action}: ${problems.join("; ")}`);
}

function problemLine(issue: v.BaseIssue<unknown>): string {
  const path = v.getDotPath(issue) ?? "options";
  const unknown = issue.type === "strict_object" && issue.expected === "never";
  return `${sanitise(path)}: ${unknown ? "no such option" : issue.message}`;
}
