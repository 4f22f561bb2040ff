import { resolve } from "node:path";
import { sanitise } from "../bytes/index.ts";
import { WickError } from "../errors/index.ts";
import type { Environment } from "../host/index.ts";
import type { ListSettings } from "../sources/index.ts";
import { LIST_FORMAT } from "./image-formats.ts";

/** What the user says about lists. */
interface Given {
  readonly listDir?: string | undefined;
  readonly listAnyFile?: boolean | undefined;
  readonly listVar?: readonly string[] | undefined;
}

/** How lists are read; USAGE for a variable that has no value. */
export function listSettings(
  { listDir, listAnyFile, listVar }: Given,
  caller: { readonly environment: Environment; readonly workingDirectory: string },
  mtimeSeconds: number,
): ListSettings {
  return {
    directory: listDir === undefined ? undefined : resolve(caller.workingDirectory, listDir),
    anyFile: listAnyFile ?? false,
    variables: Object.fromEntries(
      (listVar ?? []).map((text) => variable(text, caller.environment)),
    ),
    mtimeSeconds,
  };
}

/** Options that only lists have, as they were given. */
export function listOptions({ directory, anyFile, variables }: ListSettings): readonly string[] {
  return [
    ...(directory === undefined ? [] : ["--list-dir"]),
    ...(anyFile ? ["--list-any-file"] : []),
    ...(Object.keys(variables).length === 0 ? [] : ["--list-var"]),
  ];
}

/**
 * The directory in which a list says that its files lie: what is given, else the output's.
 * gen_init_cpio reads variables in it, so that an output with one in its own path would have
 * other files read.
 */
export function listPrefix(
  given: { readonly format?: string | undefined; readonly listPrefix?: string | undefined },
  output: string,
): string {
  const isList = given.format === LIST_FORMAT;
  if (given.listPrefix !== undefined) {
    if (isList) return given.listPrefix;
    throw usage(
      "Cannot use --list-prefix here: only a list has one",
      `it is for --format ${LIST_FORMAT}`,
    );
  }
  if (!isList || !output.includes("${")) return output;
  throw usage(
    `Cannot write a list into "${sanitise(output)}": its path holds a \${, which begins a variable in a list`,
    "--list-prefix DIR says where the list finds its files, or choose another output",
  );
}

const usage = (message: string, hint: string): WickError =>
  new WickError("USAGE", message, { hint });

function variable(text: string, environment: Environment): readonly [string, string] {
  const [, name = "", value] = /^([^=}\0]+)(?:=([^\0]*))?$/s.exec(text) ?? [];
  const found = value ?? environment[name];
  if (name !== "" && found !== undefined) return [name, found];
  const is = name === "" ? "it has no name" : "it is not set here";
  throw new WickError(
    "USAGE",
    `Cannot use the list's variable "${sanitise(text.slice(0, 80))}": ${is}, wanted NAME=value, or NAME for the caller's value`,
  );
}
