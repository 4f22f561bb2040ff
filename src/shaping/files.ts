import { display, utf8 } from "../bytes/index.ts";
import { WickError } from "../errors/index.ts";
import {
  directoryAt,
  findPath,
  locatePath,
  placeFor,
  type Ino,
  type Kind,
  type Metadata,
  type Sink,
  type Tree,
  type TreePath,
} from "../tree/index.ts";

/**
 * What a new node gets; what is left out is root's, with the mtime of the epoch and the mode
 * that the function names.
 */
export type Attributes = { readonly [K in keyof Metadata]?: Metadata[K] | undefined };

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
  const ino = createAt(tree, sink, path, { ...attributes, kind: "file" });
  sink.begin();
  if (bytes.length > 0) sink.data(bytes);
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
  const kind = "symlink";
  const ino = createAt(tree, sink, path, { mode: 0o777, ...attributes, kind, link: "replace" });
  tree.inodes.setTarget(ino, typeof target === "string" ? utf8(target) : target.slice());
  return ino;
}

/**
 * Makes `path` and what leads to it where it is missing (default mode 0755); parents get 0755
 * root. A directory that is there keeps its metadata. Returns its inode.
 */
export function ensureDirectory(tree: Tree, path: TreePath, attributes: Attributes = {}): Ino {
  const { directory, name, ino } = placeFor(tree, path, {
    follow: "all",
    parents: metadataOf({ mtime: attributes.mtime }, 0o755),
  });
  if (ino < 0) return tree.create(directory, name, "directory", metadataOf(attributes, 0o755));
  return directoryAt(tree, path);
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
  const ino = findPath(tree, path);
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

/** Takes `path` away (a link itself, not what it names); whether there was anything. */
export function removePath(tree: Tree, sink: Sink, path: TreePath): boolean {
  const at = locatePath(tree, path, { follow: "parents" });
  if (at === undefined || at.ino < 0) return false;
  if (at.name.length === 0) throw conflict("remove", path, "it is the root, or ends in ..");
  tree.remove(at.directory, at.name, (ino) => discard(tree, sink, ino));
  return true;
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

/** Makes a node at `path` in the place of what is there; a directory stays and is an error. */
export function createAt(
  tree: Tree,
  sink: Sink,
  path: TreePath,
  { kind, link = "follow", ...attributes }: Attributes & LinkOption & { readonly kind: Kind },
): Ino {
  const metadata = metadataOf(attributes, 0o644);
  const { directory, name, ino } = placeFor(tree, path, {
    follow: link === "follow" ? "all" : "parents",
    parents: metadataOf({ mtime: metadata.mtime }, 0o755),
  });
  if (ino < 0) return tree.create(directory, name, kind, metadata);
  if (tree.inodes.kind(ino) === "directory") {
    throw conflict("write", path, "it is a directory, wanted a file or nothing");
  }
  tree.remove(directory, name, (lost) => discard(tree, sink, lost));
  return tree.create(directory, name, kind, metadata);
}

/** A path for a message. */
export function showPath(path: TreePath): string {
  return display(typeof path === "string" ? utf8(path) : path);
}

function discard(tree: Tree, sink: Sink, ino: Ino): void {
  const place = tree.inodes.place(ino);
  if (place >= 0) sink.discard(place);
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
