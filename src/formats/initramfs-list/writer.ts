import { display, utf8 } from "../../bytes/index.ts";
import { WickError } from "../../errors/index.ts";
import type { ListEntry } from "./entry.ts";
import { fromLatin1, latin1 } from "./latin1.ts";
import { kindOfType, LINE_MAX, PATH_MAX, SPACES } from "./layout.ts";

const typeOf = new Map(Object.entries(kindOfType).map(([type, kind]) => [kind, type]));
const HINT = "--format initramfs writes the archive itself, which holds any name";

/** Why a word of a list ends where it does, by what stands in it. */
const spaces: Readonly<Record<string, string>> = {
  " ": "a space",
  "\t": "a tab",
  "\n": "a newline",
  "\v": "a vertical tab",
  "\f": "a form feed",
  "\r": "a carriage return",
};

/**
 * An entry as a line of a list, its newline included. Names get the leading `/` that keeps the
 * first byte from meaning something else. IMAGE_LIMIT for what a list cannot say (K2): a name
 * with white space in it, or with a variable, or a line that is too long.
 */
export function initramfsListLine(entry: ListEntry): Uint8Array {
  const [name = "", ...links] = entry.names.map((each) => nameWord(each));
  const owner = [entry.mode.toString(8).padStart(4, "0"), entry.uid, entry.gid];
  const line = `${[...wordsOf(entry, name), ...owner, ...deviceWords(entry), ...links].join(" ")}\n`;
  if (line.length <= LINE_MAX) return fromLatin1(line);
  const is = `its line has ${line.length} bytes, gen_init_cpio reads ${LINE_MAX}`;
  throw refused(entry.names[0], is);
}

/** Text of a comment; a line of the list for each of `text`. */
export function initramfsListComment(text: string): Uint8Array {
  return utf8(text.replace(/^/gm, "# ").concat("\n"));
}

function wordsOf({ kind, location, target, names }: ListEntry, name: string): string[] {
  const type = typeOf.get(kind) ?? "nod";
  if (kind === "file") return [type, name, word(location!, "the location of its file", names[0])];
  if (kind === "symlink") return [type, name, word(target!, "its target", names[0])];
  return [type, name];
}

function deviceWords({ kind, rdev }: ListEntry): (string | number)[] {
  if (rdev === undefined) return [];
  return [kind === "block" ? "b" : "c", rdev.major, rdev.minor];
}

function nameWord(name: Uint8Array): string {
  const text = word(name, "its name", name);
  if (text.includes("${")) throw refused(name, "its name holds a ${, which begins a variable");
  return text === "." || text.startsWith("/") ? text : `/${text}`;
}

function word(bytes: Uint8Array, what: string, name: Uint8Array): string {
  const text = latin1(bytes);
  const found = new RegExp(`[${SPACES}]`).exec(text)?.[0];
  if (found !== undefined) {
    throw refused(name, `${what} holds ${spaces[found]}, which ends a word of a list`);
  }
  if (text.length < PATH_MAX) return text;
  throw refused(name, `${what} has ${text.length} bytes, wanted less than ${PATH_MAX}`);
}

function refused(name: Uint8Array, is: string): WickError {
  const shown = display(name.subarray(0, 200)).replace(/^(?!\/)/, "/");
  return new WickError("IMAGE_LIMIT", `Cannot list "${shown}": ${is}`, { hint: HINT });
}
