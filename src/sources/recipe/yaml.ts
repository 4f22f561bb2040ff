import { sanitise } from "../../bytes/index.ts";
import { WickError } from "../../errors/index.ts";

/** Bytes of a YAML file that are read, and aliases in it: what people write is far below. */
const YAML_MAX_BYTES = 1 << 20;
const ALIASES_MAX = 100;

/**
 * One YAML 1.2 document as plain data. Duplicate keys, merge keys, several documents, unknown
 * tags, too many aliases and keys that would reach an object's prototype are CONFIG_INVALID
 * with the line; `name` is how messages call the file.
 */
export async function parseYaml(bytes: Uint8Array, name: string): Promise<unknown> {
  if (bytes.length > YAML_MAX_BYTES) {
    throw invalid(name, [`it has ${bytes.length} bytes, wanted at most ${YAML_MAX_BYTES}`]);
  }
  // Only what reads a recipe pays for loading it.
  const { parseDocument } = await import("yaml");
  const document = parseDocument(decode(bytes, name), { version: "1.2", merge: false });
  const problems = [...document.errors, ...document.warnings].map(({ message }) => lineOf(message));
  if (problems.length > 0) throw invalid(name, problems);
  let data: unknown;
  try {
    data = document.toJS({ maxAliasCount: ALIASES_MAX });
  } catch (error) {
    throw invalid(name, [lineOf(error instanceof Error ? error.message : String(error))]);
  }
  const forbidden = forbiddenKey(data);
  if (forbidden !== undefined) throw invalid(name, [`it has a key named "${forbidden}"`]);
  return data;
}

function decode(bytes: Uint8Array, name: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw invalid(name, ["it is not UTF-8"]);
  }
}

/** The library's message without the excerpt that it adds below. */
function lineOf(message: string): string {
  return sanitise(message.split("\n", 1)[0]!.replace(/:$/, ""));
}

const FORBIDDEN = ["__proto__", "constructor", "prototype", "<<"];

function forbiddenKey(data: unknown): string | undefined {
  const pending = [data];
  for (let next = pending.pop(); pending.length > 0 || next !== undefined; next = pending.pop()) {
    if (typeof next !== "object" || next === null) continue;
    const found = FORBIDDEN.find((key) => Object.hasOwn(next as object, key));
    if (found !== undefined) return found;
    pending.push(...Object.values(next));
  }
  return undefined;
}

/** The error for a recipe or configuration file with all its problems. */
export function invalid(name: string, problems: readonly string[], hint?: string): WickError {
  const shown = problems.slice(0, 10).join("; ");
  const more = problems.length > 10 ? `; and ${problems.length - 10} more` : "";
  return new WickError("CONFIG_INVALID", `Cannot use ${sanitise(name)}: ${shown}${more}`, {
    detail: problems,
    ...(hint === undefined ? {} : { hint }),
  });
}
