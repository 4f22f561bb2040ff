import { resolve } from "node:path";
import { csvFields } from "../../application/index.ts";
import { sanitise } from "../../bytes/index.ts";
import { WickError } from "../../errors/index.ts";

/** What a build may read and no image keeps. Its value is in a file or a variable, never here. */
export interface BuildSecret {
  readonly id: string;
  /** An absolute path, or the name of a variable of the caller's. */
  readonly from: { readonly file: string } | { readonly variable: string };
}

/** `--secret id=ID,src=FILE` or `id=ID,env=NAME`, as Docker's; FILE relative to `cwd`. */
export function parseSecret(text: string, cwd: string): BuildSecret {
  const pairs = (csvFields(text) ?? []).map((field): [string, string] => {
    const equals = field.indexOf("=");
    return equals < 0 ? [field, ""] : [field.slice(0, equals).trim(), field.slice(equals + 1)];
  });
  const fields = new Map(pairs);
  const { file, variable } = valueOf(fields);
  const id = fields.get("id") ?? "";
  const unknown = pairs.find(([key]) => !KEYS.has(key));
  if (unknown !== undefined) throw refuse(text, `it has the key "${unknown[0]}"`);
  if (!/^[\w.-]{1,255}$/.test(id)) throw refuse(text, "it has no usable id=");
  if (file !== undefined && variable === undefined) {
    return { id, from: { file: resolve(cwd, file) } };
  }
  if (variable !== undefined && file === undefined) return { id, from: { variable } };
  throw refuse(text, "it has neither src= nor env=, or both");
}

const KEYS = new Set(["id", "type", "src", "source", "env"]);

function valueOf(fields: ReadonlyMap<string, string>) {
  const source = fields.get("src") ?? fields.get("source");
  // `type=env,src=NAME` is Docker's other way to say `env=NAME`.
  if (fields.get("type") === "env" && source !== undefined) return { variable: source };
  return { file: source, variable: fields.get("env") };
}

function refuse(text: string, why: string): WickError {
  // What follows src= and env= may be a secret that was put in the wrong place.
  const shown = sanitise(text.split("=", 1)[0]!.slice(0, 40));
  return new WickError(
    "USAGE",
    `Cannot use the secret "${shown}=…": ${sanitise(why)}, wanted id=ID,src=FILE or id=ID,env=NAME`,
  );
}
