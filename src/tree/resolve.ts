import { display, utf8 } from "../bytes/index.ts";
import { WickError, type ErrorCode } from "../errors/index.ts";
import type { Metadata } from "./entry.ts";
import type { Ino } from "./inodes.ts";
import { PathWalker } from "./path-walker.ts";
import { DEFAULT_DIRECTORY, Tree } from "./tree.ts";

/** A path inside a tree; with or without a leading `/`, it begins at the root. */
export type TreePath = Uint8Array | string;

/** Which symlinks are followed: all, or those in front of the last component. */
export interface Follow {
  readonly follow: "all" | "parents";
}

/** Where a name is or would be. `name` is empty when the path ends in the root or in `..`. */
export interface Location {
  readonly directory: Ino;
  readonly name: Uint8Array;
  /** The inode it leads to, or -1. */
  readonly ino: Ino;
}

/** MAXSYMLINKS of include/linux/namei.h: more in one path are taken for a loop. */
const MAX_LINKS = 40;
const NO_NAME = new Uint8Array(0);

/**
 * The inode that `path` leads to, as the kernel would walk it with the tree as its root:
 * symlinks are followed inside, `..` stops at the root. Throws PATH_NOT_FOUND, PATH_CONFLICT
 * (a file in place of a directory) and PATH_LOOP (over 40 symlinks).
 */
export function resolve(tree: Tree, path: TreePath, options: Follow): Ino {
  const { ino } = locate(tree, bytesOf(path), { ...options, missing: "fail" });
  if (ino < 0) throw pathError("PATH_NOT_FOUND", path, "it does not exist in the tree");
  return ino;
}

/** As {@link resolve}, but -1 when there is nothing. Throws PATH_LOOP. */
export function findPath(tree: Tree, path: TreePath, options: Follow = { follow: "all" }): Ino {
  return locate(tree, bytesOf(path), { ...options, missing: "none" }).ino;
}

/** Where the last name of `path` is or would be; undefined when a parent is missing. */
export function locatePath(tree: Tree, path: TreePath, options: Follow): Location | undefined {
  const location = locate(tree, bytesOf(path), { ...options, missing: "none" });
  return location.directory < 0 ? undefined : location;
}

/**
 * Where something new is to be put so that `path` finds it: missing parents are made (0755
 * root, the epoch, or `parents`), symlinked ones followed, dangling ones too. With `follow:
 * "parents"`, the default, a symlink at the end is itself the place; with "all" it is where
 * that points. Throws PATH_CONFLICT and PATH_LOOP.
 */
export function placeFor(
  tree: Tree,
  path: TreePath,
  options: Partial<Follow> & { readonly parents?: Metadata } = {},
): Location {
  const { follow = "parents", parents = DEFAULT_DIRECTORY } = options;
  return locate(tree, bytesOf(path), { follow, missing: "create", parents });
}

/** The directory at `path`, made if missing, as are its parents. Throws as {@link placeFor}. */
export function directoryAt(
  tree: Tree,
  path: TreePath,
  metadata: Metadata = DEFAULT_DIRECTORY,
): Ino {
  const { directory, name, ino } = placeFor(tree, path, { follow: "all", parents: metadata });
  if (ino < 0) return tree.create(directory, name, "directory", metadata);
  if (tree.inodes.kind(ino) !== "directory") throw notDirectory(path);
  return ino;
}

/** `/a/b`: a path that leads to `ino`, or undefined when it has been removed. */
export function pathOf(tree: Tree, ino: Ino): Uint8Array | undefined {
  const names: Uint8Array[] = [];
  for (let at = ino; at !== Tree.ROOT;) {
    const entry = tree.nameOf(at);
    if (entry === undefined) return undefined;
    names.push(entry.name);
    at = entry.directory;
  }
  return joinNames(names.reverse());
}

function joinNames(names: readonly Uint8Array[]): Uint8Array {
  const path = new Uint8Array(
    Math.max(
      1,
      names.reduce((sum, name) => sum + 1 + name.length, 0),
    ),
  );
  path[0] = 0x2f;
  let at = 0;
  for (const name of names) {
    path[at] = 0x2f;
    path.set(name, at + 1);
    at += 1 + name.length;
  }
  return path;
}

interface LocateOptions extends Follow {
  /** What a missing or unusable parent means: an error, nothing found, or one to be made. */
  readonly missing: "fail" | "none" | "create";
  readonly parents?: Metadata;
}

const NOWHERE: Location = { directory: -1, name: NO_NAME, ino: -1 };

/** Walks `path`; linear in its length and that of the symlinks on its way. */
function locate(tree: Tree, path: Uint8Array, options: LocateOptions): Location {
  const walker = new PathWalker(path);
  let directory: Ino = Tree.ROOT;
  let links = 0;
  for (let name = walker.next(); name !== undefined; name = walker.next()) {
    if (isDotDot(name)) {
      directory = tree.parent(directory);
      continue;
    }
    const ino = tree.lookup(directory, name);
    const last = !walker.hasMore();
    const kind = ino < 0 ? undefined : tree.inodes.kind(ino);
    if (kind === "symlink" && !(last && options.follow === "parents")) {
      if (++links > MAX_LINKS) throw pathError("PATH_LOOP", path, `over ${MAX_LINKS} symlinks`);
      if (walker.enter(tree.inodes.target(ino)!)) directory = Tree.ROOT;
    } else if (last) {
      return { directory, name, ino };
    } else if (kind === "directory") {
      directory = ino;
    } else if (options.missing === "create" && kind === undefined) {
      directory = tree.create(directory, name, "directory", options.parents!);
    } else if (options.missing === "none") {
      return NOWHERE;
    } else if (kind === undefined) {
      throw pathError("PATH_NOT_FOUND", path, `it does not exist in the tree`);
    } else {
      throw notDirectory(path);
    }
  }
  return { directory, name: NO_NAME, ino: directory };
}

function isDotDot(name: Uint8Array): boolean {
  return name.length === 2 && name[0] === 0x2e && name[1] === 0x2e;
}

function bytesOf(path: TreePath): Uint8Array {
  return typeof path === "string" ? utf8(path) : path;
}

const SHOWN_BYTES = 200;

/** A path for a message, cut where it gets too long to read. */
export function showPath(path: TreePath): string {
  const bytes = bytesOf(path);
  if (bytes.length <= SHOWN_BYTES) return display(bytes);
  return `${display(bytes.subarray(0, SHOWN_BYTES))}…`;
}

function pathError(code: ErrorCode, path: TreePath, problem: string): WickError {
  return new WickError(code, `Cannot find "${showPath(path)}": ${problem}`);
}

function notDirectory(path: TreePath): WickError {
  return pathError("PATH_CONFLICT", path, "what leads there is no directory");
}
