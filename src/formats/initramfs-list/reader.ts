import { display } from "../../bytes/index.ts";
import { WickError } from "../../errors/index.ts";
import type { Kind } from "../../tree/index.ts";
import type { ReadListEntry } from "./entry.ts";
import { fromLatin1, latin1 } from "./latin1.ts";
import {
  deviceKinds,
  ID_MAX,
  kindOfType,
  LINE_MAX,
  lineTypes,
  MAJOR_MAX,
  MINOR_MAX,
  MODE_MAX,
  PATH_MAX,
  SPACES,
  type Field,
} from "./layout.ts";
import { plainName, problemOfName } from "./names.ts";

/** What is wrong with a line, and what to do about it where that is not plain. */
class Problem extends Error {
  readonly hint: string | undefined;

  constructor(is: string, hint?: string) {
    super(is);
    this.hint = hint;
  }
}

/**
 * The entries of a list, in its order. `where` names the list in errors. What gen_init_cpio
 * would take for something else than it looks like, or pass over in silence, is refused with
 * its line: CONFIG_INVALID.
 */
export function readInitramfsList(bytes: Uint8Array, where: string): ReadListEntry[] {
  const lines = latin1(bytes).split("\n");
  const known = new KnownNames();
  return lines.flatMap((text, index) => {
    const line = index + 1;
    try {
      const entry = readLine(text, line);
      if (entry === undefined) return [];
      known.add(entry);
      return [entry];
    } catch (error) {
      throw error instanceof Problem ? invalidLine(line, where, error) : error;
    }
  });
}

function invalidLine(line: number, where: string, { message, hint }: Problem): WickError {
  const details = hint === undefined ? {} : { hint };
  return new WickError(
    "CONFIG_INVALID",
    `Cannot use line ${line} of ${where}: ${message}`,
    details,
  );
}

function readLine(text: string, line: number): ReadListEntry | undefined {
  if (text.length >= LINE_MAX) {
    throw new Problem(`${text.length} bytes, gen_init_cpio reads lines of less than ${LINE_MAX}`);
  }
  if (text.includes("\0")) throw new Problem("a zero byte, wanted text");
  if (text.startsWith("#") || new RegExp(`^[${SPACES}]*$`).test(text)) return undefined;
  if (/^[ \t]/.test(text)) throw indented(text);
  const [, type = "", rest = ""] = /^([^ \t]*)(.*)$/s.exec(text) ?? [];
  const fields = Object.hasOwn(lineTypes, type) ? lineTypes[type] : undefined;
  if (fields === undefined) {
    const types = Object.keys(lineTypes).join(", ");
    throw new Problem(`"${shown(type)}" is no kind of entry, wanted one of ${types}`);
  }
  const words = rest.split(new RegExp(`[${SPACES}]+`)).filter((word) => word !== "");
  return { line, ...entryOf(type, fields, words) };
}

/** gen_init_cpio compares what the line begins with, and warns of an unknown kind. */
function indented(text: string): Problem {
  const what = text.trim().startsWith("#") ? "a comment" : "an entry";
  return new Problem(`it is indented, which gen_init_cpio passes over: ${what} begins in column 1`);
}

function entryOf(
  type: string,
  fields: readonly Field[],
  words: readonly string[],
): Omit<ReadListEntry, "line"> {
  const usage = `wanted ${type} ${fields.map((field) => `<${field}>`).join(" ")}`;
  if (words.length < fields.length) {
    throw new Problem(`${words.length} words behind "${type}", ${usage}`);
  }
  const word = (field: Field): string => words[fields.indexOf(field)] ?? "";
  const kind = kindOfType[type] ?? deviceKind(word("dev_type"));
  const more = words.slice(fields.length);
  if (type !== "file") refuseMore(more, usage);
  return {
    kind,
    names: namesOf(word("name"), type === "file" ? more : [], kind),
    mode: numberOf("mode", word("mode"), { base: 8, max: MODE_MAX }),
    uid: numberOf("uid", word("uid"), { base: 10, max: ID_MAX }),
    gid: numberOf("gid", word("gid"), { base: 10, max: ID_MAX }),
    ...(type === "file" ? { location: pathOf("location", word("location")) } : {}),
    ...(type === "slink" ? { target: pathOf("target", word("target")) } : {}),
    ...(type === "nod" ? { rdev: deviceOf(word("maj"), word("min")) } : {}),
  };
}

/** A comment behind an entry is passed over, as gen_init_cpio does with all that stands there. */
function refuseMore([first]: readonly string[], usage: string): void {
  if (first === undefined || first.startsWith("#")) return;
  throw new Problem(`"${shown(first)}" behind its last word, ${usage}`);
}

function deviceKind(text: string): Kind {
  const kind = Object.hasOwn(deviceKinds, text) ? deviceKinds[text] : undefined;
  if (kind !== undefined) return kind;
  throw new Problem(`the device type "${shown(text)}", wanted b or c`);
}

function namesOf(name: string, links: readonly string[], kind: Kind): ReadListEntry["names"] {
  for (const link of links) checkLink(link);
  const [first, ...others] = [name, ...links].map((text) => nameOf(text, kind));
  return [first!, ...others];
}

/** isgraph in the C locale: gen_init_cpio passes over a further name that begins otherwise. */
function checkLink(link: string): void {
  if (link.startsWith("#")) {
    const hint = "a comment has a line of its own; a name that begins so has a / before it";
    throw new Problem(`"${shown(link)}" behind a file, which is one more name of it`, hint);
  }
  if (/^[!-~]/.test(link)) return;
  throw new Problem(
    `the further name "${shown(link)}", which gen_init_cpio passes over`,
    "put a / before it",
  );
}

function nameOf(text: string, kind: Kind): Uint8Array {
  const name = text.replace(/^\//, "");
  const problem = problemOfName(name, kind === "directory");
  if (problem !== undefined) throw new Problem(`the name "${shown(text)}" ${problem}`);
  return fromLatin1(name);
}

function pathOf(field: Field, text: string): Uint8Array {
  if (text.length < PATH_MAX) return fromLatin1(text);
  throw new Problem(`a ${field} of ${text.length} bytes, wanted less than ${PATH_MAX}`);
}

/** The whole word must be the number: sscanf takes what it can and makes the rest the next field. */
function numberOf(
  field: Field,
  text: string,
  { base, max }: { readonly base: 8 | 10; readonly max: number },
): number {
  const digits = base === 8 ? /^[0-7]{1,12}$/ : /^\d{1,12}$/;
  const value = digits.test(text) ? Number.parseInt(text, base) : Number.NaN;
  if (value <= max) return value;
  const limit = base === 8 ? `octal digits up to ${max.toString(8)}` : `digits up to ${max}`;
  throw new Problem(`the ${field} "${shown(text)}", wanted ${limit}`);
}

function deviceOf(maj: string, min: string): { readonly major: number; readonly minor: number } {
  return {
    major: numberOf("maj", maj, { base: 10, max: MAJOR_MAX }),
    minor: numberOf("min", min, { base: 10, max: MINOR_MAX }),
  };
}

const SHOWN_CHARACTERS = 80;

function shown(text: string): string {
  return display(fromLatin1(text.slice(0, SHOWN_CHARACTERS)));
}

/** Names may stand once: of two nodes the kernel would keep the later one. */
class KnownNames {
  readonly #lines = new Map<string, { readonly line: number; readonly text: string }>();

  add(entry: ReadListEntry): void {
    const { line, names, kind, mode, uid, gid } = entry;
    for (const name of names) {
      // The same directory may be told again: lists are put together from parts.
      const text = kind === "directory" ? `${latin1(name)} ${mode} ${uid} ${gid}` : "";
      const key = plainName(latin1(name));
      const before = this.#lines.get(key);
      if (before === undefined) this.#lines.set(key, { line, text });
      else if (text === "" || before.text !== text) throw twice(name, before.line, line);
    }
  }
}

function twice(name: Uint8Array, before: number, line: number): Problem {
  const where = before === line ? "twice in it" : `in line ${before} already`;
  return new Problem(`the name "${display(name)}" stands ${where}, wanted one node for each name`);
}
