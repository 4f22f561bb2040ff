import { utf8 } from "../../bytes/index.ts";
import type { Entry, LayerVisitor } from "../../tree/index.ts";

/** Directories of the root that are links into /usr since Debian 12 (Debian Policy 10.1). */
export const ALIASES = ["bin", "lib", "lib32", "lib64", "libo32", "libx32", "sbin"] as const;

const USR = utf8("usr/");

/**
 * Passes entries on with /bin, /lib and their like as /usr/bin, /usr/lib: what dpkg gets by
 * following the host's links. Packages of Debian 12 still carry such paths, and a directory
 * entry `lib` of theirs would take the link's place.
 */
export function mergedUsr(visitor: LayerVisitor): LayerVisitor {
  return {
    entry: (entry) => visitor.entry(moved(entry)),
    data: (chunk) => visitor.data(chunk),
    hole: (lengthBytes) => visitor.hole(lengthBytes),
    endFile: () => visitor.endFile(),
    warn: (message) => visitor.warn(message),
  };
}

function moved(entry: Entry): Entry {
  const path = intoUsr(entry.path, entry.type === "symlink");
  if (entry.type !== "hardlink" || entry.target === undefined) {
    return path === entry.path ? entry : { ...entry, path };
  }
  return { ...entry, path, target: intoUsr(entry.target, false) };
}

/** The path below /usr; unchanged when it is no alias, or is the link `bin -> usr/bin` itself. */
function intoUsr(path: Uint8Array, isSymlink: boolean): Uint8Array {
  let start = 0;
  while (path[start] === 0x2f || (path[start] === 0x2e && path[start + 1] === 0x2f)) start++;
  const plain = path.subarray(start);
  const slash = plain.indexOf(0x2f);
  const first = String.fromCharCode(...plain.subarray(0, slash === -1 ? 16 : slash));
  if (!ALIASES.some((alias) => alias === first)) return path;
  if (slash === -1 && isSymlink) return path;
  const whole = new Uint8Array(USR.length + plain.length);
  whole.set(USR);
  whole.set(plain, USR.length);
  return whole;
}
