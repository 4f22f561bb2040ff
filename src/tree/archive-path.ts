import { WickError } from "../errors/index.ts";
import { showPath } from "./resolve.ts";

const SLASH = 0x2f;
const DOT = 0x2e;

/**
 * An archive's path with each `..` taken out together with the component before it, by the
 * text alone, as containerd does. One that leads out of the root is refused: PATH_ESCAPES.
 */
export function withoutDotDot(path: Uint8Array): Uint8Array {
  if (!hasDotDot(path)) return path;
  const kept: Uint8Array[] = [];
  for (let start = 0; start <= path.length;) {
    const slash = path.indexOf(SLASH, start);
    const end = slash < 0 ? path.length : slash;
    const name = path.subarray(start, end);
    if (!isDotDot(path, start, end)) {
      if (name.length > 1 || (name.length === 1 && name[0] !== DOT)) kept.push(name);
    } else if (kept.pop() === undefined) {
      throw new WickError(
        "PATH_ESCAPES",
        `Cannot use "${showPath(path)}": it leads out of the root`,
      );
    }
    start = end + 1;
  }
  return join(kept);
}

function hasDotDot(path: Uint8Array): boolean {
  for (let at = path.indexOf(DOT); at >= 0; at = path.indexOf(DOT, at + 1)) {
    const begins = at === 0 || path[at - 1] === SLASH;
    if (begins && path[at + 1] === DOT && (at + 2 === path.length || path[at + 2] === SLASH)) {
      return true;
    }
  }
  return false;
}

function isDotDot(path: Uint8Array, start: number, end: number): boolean {
  return end - start === 2 && path[start] === DOT && path[start + 1] === DOT;
}

function join(names: readonly Uint8Array[]): Uint8Array {
  const path = new Uint8Array(names.reduce((sum, name) => sum + name.length + 1, 0));
  let at = 0;
  for (const name of names) {
    path.set(name, at);
    path[at + name.length] = SLASH;
    at += name.length + 1;
  }
  return path.subarray(0, Math.max(0, path.length - 1));
}
