import { display, utf8 } from "../bytes/index.ts";
import { WickError } from "../errors/index.ts";
import { Tree, type Ino } from "../tree/index.ts";

/** A path inside the tree: text, or the bytes of a name that is no UTF-8. */
export type TreePath = string | Uint8Array;

/** Symbolic links that Linux follows in one lookup before it says ELOOP (path_resolution(7)). */
const LINKS_MAX = 40;
const SLASH = 0x2f;
const DOT = 0x2e;

/** Where a path leads: an inode, or the deepest directory there is and the names that lack. */
export interface Location {
  /** -1 when something is missing. */
  readonly ino: Ino;
  /** The directory that holds `name`; when names are missing, the one the first belongs into. */
  readonly directory: Ino;
  /** The real last name, links resolved; empty for the root. */
  readonly name: Uint8Array;
  /** Names that do not exist yet, the last included; empty when the path exists. */
  readonly missing: readonly Uint8Array[];
}

/**
 * Follows `path` as the guest's kernel would with the tree as its root: absolute links start
 * at the root, `..` stops there. The last name is followed too unless `last` is "keep".
 */
export function locate(
  tree: Tree,
  path: TreePath,
  { last = "follow" }: { readonly last?: "follow" | "keep" } = {},
): Location {
  const state: Walk = { tree, path, pending: componentsOf(path).reverse(), links: 0 };
  let at: Location = { ino: Tree.ROOT, directory: Tree.ROOT, name: utf8(""), missing: [] };
  for (let name = state.pending.pop(); name !== undefined; name = state.pending.pop()) {
    if (tree.inodes.kind(at.ino) !== "directory") throw notDirectory(path);
    const next = step(state, at, name);
    if (next.ino < 0) return missingFrom(state, at.ino, name);
    const isLast = state.pending.length === 0;
    if (tree.inodes.kind(next.ino) !== "symlink" || (isLast && last === "keep")) at = next;
    else at = followLink(state, next, at);
  }
  return at;
}

/** The names of a path; empty ones and `.` are left out. */
export function componentsOf(path: TreePath): Uint8Array[] {
  const bytes = typeof path === "string" ? utf8(path) : path;
  const names: Uint8Array[] = [];
  for (let start = 0; start <= bytes.length;) {
    const slash = bytes.indexOf(SLASH, start);
    const end = slash < 0 ? bytes.length : slash;
    const name = bytes.subarray(start, end);
    if (name.length > 0 && !isDots(name, 1)) names.push(name);
    start = end + 1;
  }
  return names;
}

/** A path for a message. */
export function showPath(path: TreePath): string {
  return display(typeof path === "string" ? utf8(path) : path);
}

interface Walk {
  readonly tree: Tree;
  readonly path: TreePath;
  /** Names still to go, the next one last. */
  readonly pending: Uint8Array[];
  links: number;
}

function step({ tree }: Walk, at: Location, name: Uint8Array): Location {
  if (!isDots(name, 2)) {
    return { ino: tree.lookup(at.ino, name), directory: at.ino, name, missing: [] };
  }
  const ino = tree.parent(at.ino);
  return { ino, directory: tree.parent(ino), name: nameOf(tree, ino), missing: [] };
}

/** Puts a link's target in front of what is left to go; returns where that starts. */
function followLink(state: Walk, link: Location, from: Location): Location {
  if (++state.links > LINKS_MAX) {
    throw new WickError(
      "PATH_LOOP",
      `Cannot follow "${showPath(state.path)}": it passes more than ${LINKS_MAX} symbolic links`,
    );
  }
  const target = state.tree.inodes.target(link.ino)!;
  state.pending.push(...componentsOf(target).reverse());
  if (target[0] !== SLASH) return from;
  return { ino: Tree.ROOT, directory: Tree.ROOT, name: utf8(""), missing: [] };
}

function missingFrom(state: Walk, directory: Ino, name: Uint8Array): Location {
  const missing = [name, ...state.pending.toReversed()];
  if (missing.some((part) => isDots(part, 2))) {
    throw new WickError(
      "PATH_NOT_FOUND",
      `Cannot follow "${showPath(state.path)}": "${display(name)}" does not exist, and ".." needs it`,
    );
  }
  return { ino: -1, directory, name: missing.at(-1)!, missing };
}

/** The name of a directory in its parent. */
function nameOf(tree: Tree, ino: Ino): Uint8Array {
  if (ino === Tree.ROOT) return utf8("");
  return tree.list(tree.parent(ino)).find((entry) => entry.ino === ino)!.name;
}

function isDots(name: Uint8Array, count: number): boolean {
  return name.length === count && name.every((byte) => byte === DOT);
}

function notDirectory(path: TreePath): WickError {
  return new WickError(
    "PATH_CONFLICT",
    `Cannot follow "${showPath(path)}": a part of it is not a directory`,
  );
}
