import { utf8 } from "../bytes/index.ts";
import { WickError } from "../errors/index.ts";
import type { Ino, Kind, Metadata, Sink, Tree } from "../tree/index.ts";
import { locate, showPath, type Location, type TreePath } from "./lookup.ts";

/**
 * What a new node gets; what is left out is root's, with the mtime of the epoch and the mode
 * that the function names.
 */
export type Attributes = Partial<Metadata>;

/** What to do with a symbolic link at the end of the path of a new file. */
export interface LinkOption {
  /** "follow" (default): the file goes where the link leads. "replace": the link gives way. */
  readonly link?: "follow" | "replace";
}

/**
 * Puts a file at `path` (default mode 0644), where the guest would find it: links on the way
 * are followed inside the tree, missing directories are made. A file that is there gives way,
 * other names of it keep the old contents. Returns the new inode.
 */
export function addFile(
  tree: Tree,
  sink: Sink,
  path: TreePath,
  bytes: Uint8Array,
  attributes: Attributes & LinkOption = {},
): Ino {
  const at = clearPlace(tree, sink, path, attributes);
  sink.begin();
  if (bytes.length > 0) sink.data(bytes);
  const ino = createAt(tree, at, "file", metadataOf(attributes, 0o644));
  tree.inodes.setContents(ino, { place: sink.end(), size: bytes.length });
  return ino;
}

/** Puts a symbolic link at `path`; a file or link that is there gives way. */
export function addSymlink(
  tree: Tree,
  sink: Sink,
  path: TreePath,
  target: TreePath,
  attributes: Attributes = {},
): Ino {
  const at = clearPlace(tree, sink, path, { ...attributes, link: "replace" });
  const ino = createAt(tree, at, "symlink", metadataOf(attributes, 0o777));
  tree.inodes.setTarget(ino, typeof target === "string" ? utf8(target) : target.slice());
  return ino;
}

/**
 * Makes `path` and what leads to it where it is missing (default mode 0755); parents get 0755
 * root. A directory that is there keeps its metadata. Returns its inode.
 */
export function ensureDirectory(tree: Tree, path: TreePath, attributes: Attributes = {}): Ino {
  const at = locate(tree, path);
  if (at.ino < 0) return createAt(tree, at, "directory", metadataOf(attributes, 0o755));
  if (tree.inodes.kind(at.ino) === "directory") return at.ino;
  throw conflict("make the directory", path, `a ${tree.inodes.kind(at.ino)} is there`);
}

/**
 * The contents of the file at `path`, links followed; undefined when nothing is there.
 * More than `limitBytes` is an error, as is anything but a regular file.
 */
export function readFile(
  tree: Tree,
  sink: Sink,
  path: TreePath,
  limitBytes: number,
): Uint8Array | undefined {
  const { ino } = locate(tree, path);
  if (ino < 0) return undefined;
  const kind = tree.inodes.kind(ino);
  if (kind !== "file") throw conflict("read", path, `it is a ${kind}, wanted a file`);
  const size = tree.inodes.size(ino);
  if (size > limitBytes) throw tooLarge(path, size, limitBytes);
  return readStart(tree, sink, ino, size);
}

/** The first bytes of a file inode, at most `lengthBytes`. */
export function readStart(tree: Tree, sink: Sink, ino: Ino, lengthBytes: number): Uint8Array {
  const bytes = new Uint8Array(Math.min(tree.inodes.size(ino), lengthBytes));
  if (bytes.length > 0) sink.read(tree.inodes.place(ino), bytes, 0);
  return bytes;
}

/**
 * Adds `line` at the end of a text file, with a newline before it where the last line lacks
 * one; a missing file is made with `attributes` (default mode 0644), an existing one keeps its own.
 */
export function appendLine(
  tree: Tree,
  sink: Sink,
  path: TreePath,
  line: string,
  { limitBytes = 1 << 20, ...attributes }: Attributes & { readonly limitBytes?: number } = {},
): Ino {
  const before = readFile(tree, sink, path, limitBytes) ?? new Uint8Array();
  const complete = before.length === 0 || before.at(-1) === 0x0a;
  const added = utf8(`${complete ? "" : "\n"}${line}\n`);
  const bytes = new Uint8Array(before.length + added.length);
  bytes.set(before);
  bytes.set(added, before.length);
  const { ino } = locate(tree, path);
  return addFile(tree, sink, path, bytes, ino < 0 ? attributes : tree.inodes.metadata(ino));
}

/** Takes `path` away (a link itself, not what it names); whether there was anything. */
export function removePath(tree: Tree, sink: Sink, path: TreePath): boolean {
  const at = locate(tree, path, { last: "keep" });
  if (at.ino < 0) return false;
  if (at.name.length === 0) throw conflict("remove", path, "it is the root");
  remove(tree, sink, at);
  return true;
}

/** Whether something is at `path`, links followed. */
export function exists(tree: Tree, path: TreePath): boolean {
  return locate(tree, path).ino >= 0;
}

/** Full metadata from what was given. */
export function metadataOf(attributes: Attributes, mode: number): Metadata {
  return {
    mode: attributes.mode ?? mode,
    uid: attributes.uid ?? 0,
    gid: attributes.gid ?? 0,
    mtime: attributes.mtime ?? { seconds: 0, nanoseconds: 0 },
    xattrs: attributes.xattrs ?? [],
  };
}

/** Finds where a new node goes and takes away what is there; a directory stays and is an error. */
export function clearPlace(
  tree: Tree,
  sink: Sink,
  path: TreePath,
  { link = "follow" }: LinkOption,
): Location {
  const at = locate(tree, path, { last: link === "follow" ? "follow" : "keep" });
  if (at.ino < 0) return at;
  if (tree.inodes.kind(at.ino) === "directory") {
    throw conflict("write", path, "it is a directory, wanted a file or nothing");
  }
  remove(tree, sink, at);
  return { ...at, ino: -1, missing: [at.name] };
}

/** Makes the node that `at` lacks, and the directories (0755 root, the node's mtime) before it. */
export function createAt(tree: Tree, at: Location, kind: Kind, metadata: Metadata): Ino {
  let { directory } = at;
  for (const name of at.missing.slice(0, -1)) {
    directory = tree.create(
      directory,
      name,
      "directory",
      metadataOf({ mtime: metadata.mtime }, 0o755),
    );
  }
  return tree.create(directory, at.missing.at(-1)!, kind, metadata);
}

function remove(tree: Tree, sink: Sink, { directory, name }: Location): void {
  tree.remove(directory, name, (ino) => {
    const place = tree.inodes.place(ino);
    if (place >= 0) sink.discard(place);
  });
}

function conflict(action: string, path: TreePath, what: string): WickError {
  return new WickError("PATH_CONFLICT", `Cannot ${action} "${showPath(path)}": ${what}`);
}

function tooLarge(path: TreePath, size: number, limitBytes: number): WickError {
  return new WickError(
    "VALUE_OUT_OF_RANGE",
    `Cannot read "${showPath(path)}": it has ${size} bytes, wanted at most ${limitBytes}`,
  );
}
