import { utf8 } from "../bytes/index.ts";
import { WickError } from "../errors/index.ts";
import { showPath } from "./resolve.ts";

const SLASH = 0x2f;
const DOT = 0x2e;
/** OCI image-spec, layer.md: the prefix of whiteouts, and the name that makes a directory opaque. */
const PREFIX = utf8(".wh.");
const OPAQUE = utf8(".wh..wh..opq");
/** AUFS' own bookkeeping, such as `.wh..wh.plnk`; means nothing outside. */
const META_PREFIX = utf8(".wh..wh.");

/** What a whiteout says of lower layers; `ignored` is bookkeeping that is to be left out. */
export type Whiteout =
  | { readonly kind: "hides"; readonly path: Uint8Array }
  | { readonly kind: "opaque"; readonly path: Uint8Array }
  | { readonly kind: "ignored" };

const IGNORED: Whiteout = { kind: "ignored" };

/**
 * What the entry at `path` (without `..`) says if it is a whiteout, by its name alone, of
 * whatever type it is; undefined for any other. Throws ARCHIVE_INVALID for a whiteout of no name.
 */
export function whiteoutOf(path: Uint8Array): Whiteout | undefined {
  for (let at = path.indexOf(DOT); at >= 0; at = path.indexOf(DOT, at + 1)) {
    if ((at === 0 || path[at - 1] === SLASH) && startsWith(path, at, PREFIX)) {
      const end = endOfName(path, at);
      if (isLast(path, end)) return whiteoutNamed(path, at, end);
      if (startsWith(path, at, META_PREFIX)) return IGNORED;
    }
  }
  return undefined;
}

function whiteoutNamed(path: Uint8Array, start: number, end: number): Whiteout {
  const parent = path.subarray(0, start);
  if (startsWith(path, start, META_PREFIX)) {
    const isOpaque = end - start === OPAQUE.length && startsWith(path, start, OPAQUE);
    return isOpaque ? { kind: "opaque", path: parent } : IGNORED;
  }
  const name = path.subarray(start + PREFIX.length, end);
  if (name.length === 0 || isDots(name)) {
    throw new WickError(
      "ARCHIVE_INVALID",
      `Cannot use the whiteout "${showPath(path)}": it names no file`,
    );
  }
  const hidden = new Uint8Array(parent.length + name.length);
  hidden.set(parent);
  hidden.set(name, parent.length);
  return { kind: "hides", path: hidden };
}

function startsWith(bytes: Uint8Array, at: number, wanted: Uint8Array): boolean {
  for (let i = 0; i < wanted.length; i++) if (bytes[at + i] !== wanted[i]) return false;
  return true;
}

function endOfName(path: Uint8Array, start: number): number {
  const slash = path.indexOf(SLASH, start);
  return slash < 0 ? path.length : slash;
}

/** Whether no further name follows: only slashes, and `.` between them. */
function isLast(path: Uint8Array, end: number): boolean {
  for (let at = end; at < path.length; at++) {
    const isDot = path[at] === DOT && (at + 1 === path.length || path[at + 1] === SLASH);
    if (path[at] !== SLASH && !isDot) return false;
  }
  return true;
}

/** `.` or `..`, which no directory holds. */
function isDots(name: Uint8Array): boolean {
  return name.length <= 2 && name.every((byte) => byte === DOT);
}
