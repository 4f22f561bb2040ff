import { display } from "../bytes/index.ts";
import { WickError } from "../errors/index.ts";
import type { Kind, Metadata } from "../tree/index.ts";

/** A node of an image: a number that only its image understands, and what it is. */
export interface ImageNode {
  readonly id: number;
  readonly kind: Kind;
}

/** All that an image says about a node. */
export interface ImageStat extends Metadata {
  readonly kind: Kind;
  /** Bytes of a file's contents (holes included), of a symlink's target, of a directory's blocks. */
  readonly size: number;
  /** How many names lead to it; a directory counts itself and its subdirectories too. */
  readonly nlink: number;
  /** Device numbers of `char` and `block`. */
  readonly rdev?: { readonly major: number; readonly minor: number };
}

/** One name in a directory. */
export interface ImageEntry {
  readonly name: Uint8Array;
  readonly node: ImageNode;
}

/**
 * An image that is looked into: what `inspect`, `ls` and `cat` need of every format. Images
 * are hostile: whatever they hold, each call ends with an answer or an error of code
 * IMAGE_INVALID, IMAGE_LIMIT or UNSUPPORTED, in bounded time and memory.
 */
export interface ImageReader {
  /** `ext4`, `erofs`, `cpio`. */
  readonly format: string;
  /** Bytes of the file system. */
  readonly sizeBytes: number;
  readonly root: ImageNode;
  /** The node called `name` in `directory`. */
  find(directory: ImageNode, name: Uint8Array): ImageNode | undefined;
  /** The entries of `directory` without `.` and `..`, sorted by the bytes of their names. */
  list(directory: ImageNode): ImageEntry[];
  stat(node: ImageNode): ImageStat;
  /** A symlink's target. */
  readlink(node: ImageNode): Uint8Array;
  /**
   * Fills `target` with a file's contents from byte `position`, holes as zeros; returns how
   * many bytes there were (fewer only at the file's end).
   */
  read(node: ImageNode, target: Uint8Array, position: number): number;
  /** What `path` leads to; see {@link lookupPath}. */
  lookup(path: Uint8Array, options?: LookupOptions): ImageNode;
  /** Every name below `directory` (the root); see {@link walkImage}. */
  walk(directory?: ImageNode): Generator<ImagePath, void>;
}

export interface LookupOptions {
  /** Whether a symlink at the path's end is followed, too (yes). */
  readonly follow?: boolean;
}

/** A name met on a walk, with its path from where the walk began, without a leading `/`. */
export interface ImagePath {
  readonly path: Uint8Array;
  readonly node: ImageNode;
}

type Directories = Pick<ImageReader, "root" | "find" | "readlink">;
type Walkable = Pick<ImageReader, "list" | "stat" | "sizeBytes">;

/** MAXSYMLINKS of Linux (include/linux/namei.h). */
const SYMLINKS_MAX = 40;
/** PATH_MAX of Linux, so that no path costs more than so many components. */
const PATH_MAX = 4096;
/** A walk ends with an error behind so many names; an image of that kind is no application. */
const WALK_NAMES_MAX = 1 << 22;
/** And so many may wait to be visited, about 300 bytes each. */
const WALK_PENDING_MAX = 1 << 21;
const WALK_PATH_MAX = 1 << 16;
const SLASH = 0x2f;
const DOT = 0x2e;

/**
 * What `path` leads to inside the image: symlinks and `..` never leave its root, at most 40
 * symlinks are followed. Errors: PATH_NOT_FOUND, PATH_CONFLICT (a component that is no
 * directory), PATH_LOOP, and the image's own.
 */
export function lookupPath(
  image: Directories,
  path: Uint8Array,
  { follow = true }: LookupOptions = {},
): ImageNode {
  const pending = componentsOf(path).reverse();
  const way = [image.root];
  let links = 0;
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    const here = way.at(-1)!;
    if (here.kind !== "directory") {
      throw pathError("PATH_CONFLICT", path, `what holds "${display(name)}" is a ${here.kind}`);
    }
    if (name.length === 2 && name[0] === DOT && name[1] === DOT) {
      if (way.length > 1) way.pop();
      continue;
    }
    const node = image.find(here, name);
    if (node === undefined) throw pathError("PATH_NOT_FOUND", path, `no "${display(name)}"`);
    if (node.kind !== "symlink" || (pending.length === 0 && !follow)) {
      way.push(node);
      continue;
    }
    if (++links > SYMLINKS_MAX) throw pathError("PATH_LOOP", path, "more than 40 symlinks");
    const target = image.readlink(node);
    if (target[0] === SLASH) way.length = 1;
    pending.push(...componentsOf(target).reverse());
  }
  return way.at(-1)!;
}

/** The components of a path without the empty ones and `.`. */
function componentsOf(path: Uint8Array): Uint8Array[] {
  if (path.length >= PATH_MAX) {
    const start = path.subarray(0, 60);
    throw pathError("PATH_NOT_FOUND", start, `the path has ${path.length} bytes`);
  }
  const components: Uint8Array[] = [];
  let start = 0;
  for (let i = 0; i <= path.length; i++) {
    if (i < path.length && path[i] !== SLASH) continue;
    const name = path.subarray(start, i);
    start = i + 1;
    if (name.length > 1 || (name.length === 1 && name[0] !== DOT)) components.push(name);
  }
  return components;
}

/**
 * Every name below `directory`, parents before children, siblings in byte order. Directories
 * are read once: one that is met twice is an error, and so is an image that has more bytes
 * of directories than it has bytes.
 */
export function* walkImage(image: Walkable, directory: ImageNode): Generator<ImagePath, void> {
  const seen = new Set<number>();
  let bytesLeft = image.sizeBytes;
  let names = 0;
  const stack: ImagePath[] = [{ path: new Uint8Array(0), node: directory }];
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    if (next.path.length > 0) yield next;
    if (next.node.kind !== "directory") continue;
    if (seen.has(next.node.id)) throw walkError(next.path, "this directory has several names");
    seen.add(next.node.id);
    bytesLeft -= image.stat(next.node).size;
    if (bytesLeft < 0) throw walkError(next.path, "more directories than the image can hold");
    const entries = image.list(next.node);
    names += entries.length;
    if (names > WALK_NAMES_MAX || stack.length + entries.length > WALK_PENDING_MAX) {
      throw walkError(next.path, "too many names");
    }
    for (const entry of entries.reverse()) {
      stack.push({ path: joined(next.path, entry.name), node: entry.node });
    }
  }
}

function joined(directory: Uint8Array, name: Uint8Array): Uint8Array {
  if (directory.length === 0) return name;
  const path = new Uint8Array(directory.length + 1 + name.length);
  if (path.length > WALK_PATH_MAX) throw walkError(name, `a path of ${path.length} bytes`);
  path.set(directory);
  path[directory.length] = SLASH;
  path.set(name, directory.length + 1);
  return path;
}

function pathError(
  code: "PATH_CONFLICT" | "PATH_NOT_FOUND" | "PATH_LOOP",
  path: Uint8Array,
  is: string,
): WickError {
  return new WickError(code, `Cannot find "${display(path)}" in the image: ${is}`);
}

function walkError(path: Uint8Array, is: string): WickError {
  const shown = display(path.subarray(0, 200));
  return new WickError("IMAGE_INVALID", `Cannot list "/${shown}" of the image: ${is}`);
}
