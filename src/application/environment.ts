import { sanitise } from "../bytes/index.ts";
import { WickError } from "../errors/index.ts";

/** The caller's environment, handed in. */
export type CallerEnvironment = Readonly<Record<string, string | undefined>>;

const SPACES = /[\t\n\v\f\r \u0085\u00a0]/;

/**
 * The lines of a Docker env-file: `NAME=value` taken exactly (no quotes, no trimming),
 * `NAME` alone for the caller's value (left out when there is none), `#` comments, empty
 * lines; a BOM at the start and CR before a newline are dropped.
 */
export function parseEnvFile(bytes: Uint8Array, name: string, caller: CallerEnvironment): string[] {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new WickError("USAGE", `Cannot use ${sanitise(name)}: it is not UTF-8`, { cause });
  }
  return text.split(/\r?\n/).flatMap((raw, index) => {
    const line = raw.replace(/^[\t\v\f\r \u0085\u00a0]+/, "");
    if (line === "" || line.startsWith("#")) return [];
    return envFileLine(line, `line ${index + 1} of ${sanitise(name)}`, caller);
  });
}

/** Name and value of `NAME=value`; no value when there is no `=`. */
export function splitVariable(text: string): { readonly name: string; readonly value?: string } {
  const equals = text.indexOf("=");
  if (equals < 0) return { name: text };
  return { name: text.slice(0, equals), value: text.slice(equals + 1) };
}

/**
 * `lower` with each of `upper` in order: a name that is there gets the new value in its old
 * place, a new one comes last, and a name without `=` is taken away (Docker's rule).
 */
export function mergeEnvironment(lower: readonly string[], upper: readonly string[]): string[] {
  const merged = new Map<string, string>();
  for (const line of [...lower, ...upper]) {
    const { name, value } = splitVariable(line);
    if (value === undefined) merged.delete(name);
    else merged.set(name, line);
  }
  return [...merged.values()];
}

/**
 * The `-e` of a command line: `NAME=value` as it is; `NAME` with the caller's value, or
 * unchanged when the caller has none, which takes the image's variable away when merged.
 */
export function parseVariables(texts: readonly string[], caller: CallerEnvironment): string[] {
  return texts.map((text) => {
    const { name, value } = splitVariable(text);
    if (name === "") throw noName(`"${sanitise(text)}"`);
    if (text.includes("\0")) {
      throw new WickError("USAGE", `Cannot set "${sanitise(name)}": it holds a NUL`);
    }
    const inherited = value === undefined ? caller[name] : undefined;
    return inherited === undefined ? text : `${name}=${inherited}`;
  });
}

function envFileLine(line: string, where: string, caller: CallerEnvironment): string[] {
  const { name, value } = splitVariable(line);
  if (name === "") throw noName(where);
  if (SPACES.test(name) || line.includes("\0")) {
    throw new WickError(
      "USAGE",
      `Cannot use ${where}: "${sanitise(name)}" holds a space or a NUL, wanted NAME=value`,
    );
  }
  if (value !== undefined) return [line];
  const inherited = caller[name];
  return inherited === undefined ? [] : [`${name}=${inherited}`];
}

function noName(where: string): WickError {
  return new WickError("USAGE", `Cannot set a variable from ${where}: its name is empty`);
}
