import { display, equalBytes } from "../../bytes/index.ts";
import { WickError } from "../../errors/index.ts";
import { findPath, locatePath, Tree, type Ino, type Sink } from "../../tree/index.ts";
import { CpioWriter, type CpioContents } from "./writer.ts";

/** Bytes of a file that are read at a time. */
const PIECE_BYTES = 1 << 20;
/** `c_mtime` is 32 bits wide and has no sign. */
const TIME_MAX = 2 ** 32 - 1;
const SLASH = 0x2f;

export interface CpioTreeOptions {
  /** Gets the archive's bytes in order; they are only lent. */
  readonly write: (bytes: Uint8Array) => void;
  /** Gets a sentence for the user about whatever is changed or left out. */
  readonly warn: (message: string) => void;
  /** The names of each node, as they are to be written and in this order; else the tree's own. */
  readonly order?: readonly (readonly Uint8Array[])[] | undefined;
}

/**
 * Writes a tree as one newc archive: the root as `.`, parents before children, siblings in byte
 * order. A file with several names is written at its last one, where all their directories are
 * there. The same tree gives the same bytes; holes become zeros. Returns the archive's inodes.
 * With an `order` it is that, root and parents only where they are named: gen_init_cpio's way.
 * Errors: IMAGE_LIMIT (a file of 4 GiB, a path of 4096 bytes), VALUE_OUT_OF_RANGE.
 */
export function writeCpioTree(tree: Tree, sink: Sink, options: CpioTreeOptions): number {
  const archive = new TreeArchive(tree, sink, options);
  return options.order === undefined ? archive.writeAll() : archive.writeOrdered(options.order);
}

class TreeArchive {
  readonly #tree: Tree;
  readonly #sink: Sink;
  readonly #warn: (message: string) => void;
  readonly #writer: CpioWriter;
  readonly #buffer = new Uint8Array(PIECE_BYTES);
  /** Paths of directories, ending in `/`; the root's is empty. */
  readonly #paths = new Map<Ino, Uint8Array>([[Tree.ROOT, new Uint8Array()]]);
  /** The names so far of files that have more to come. */
  readonly #waiting = new Map<Ino, Uint8Array[]>();
  #inodes = 0;

  constructor(tree: Tree, sink: Sink, { write, warn }: CpioTreeOptions) {
    this.#tree = tree;
    this.#sink = sink;
    this.#warn = warn;
    this.#writer = new CpioWriter(write);
  }

  writeAll(): number {
    this.#add(Tree.ROOT, [Uint8Array.of(0x2e)]);
    for (const { directory, name, ino } of this.#tree.walk()) {
      const path = joined(this.#paths.get(directory)!, name);
      if (this.#tree.inodes.kind(ino) === "directory") this.#paths.set(ino, withSlash(path));
      this.#name(ino, path);
    }
    this.#writer.end();
    return this.#inodes;
  }

  writeOrdered(order: readonly (readonly Uint8Array[])[]): number {
    const made = new Made(this.#tree, this.#warn);
    for (const names of order) this.#add(made.next(names), names);
    this.#writer.end();
    return this.#inodes;
  }

  /** The kernel links everything but symlinks: those are written once for each name. */
  #name(ino: Ino, path: Uint8Array): void {
    const { inodes } = this.#tree;
    const count = inodes.kind(ino) === "symlink" ? 1 : inodes.nameCount(ino);
    const names = [...(this.#waiting.get(ino) ?? []), path];
    if (names.length < count) {
      this.#waiting.set(ino, names);
      return;
    }
    this.#waiting.delete(ino);
    this.#add(ino, names);
  }

  #add(ino: Ino, [path, ...links]: readonly Uint8Array[]): void {
    const { inodes } = this.#tree;
    const { mode, uid, gid, mtime, xattrs } = inodes.metadata(ino);
    const target = inodes.target(ino);
    const rdev = inodes.rdev(ino);
    for (const { name } of xattrs) {
      this.#warn(
        `"/${display(path!)}": its extended attribute "${display(name)}" is left out: an initramfs has none`,
      );
    }
    const more = { ...(target && { target }), ...(rdev && { rdev }), links };
    const time = this.#time(path!, mtime.seconds);
    const entry = { path: path!, kind: inodes.kind(ino), mode, uid, gid, mtime: time, ...more };
    this.#writer.add(entry, this.#contents(ino));
    this.#inodes++;
  }

  #time(path: Uint8Array, seconds: number): number {
    const kept = Math.max(0, Math.min(TIME_MAX, seconds));
    if (kept !== seconds) {
      this.#warn(
        `"/${display(path)}": its time, ${seconds} s from 1970, is moved into the years 1970 to 2106 that an initramfs can store`,
      );
    }
    return kept;
  }

  #contents(ino: Ino): CpioContents {
    const { inodes } = this.#tree;
    const sizeBytes = inodes.kind(ino) === "file" ? inodes.size(ino) : 0;
    return { sizeBytes, chunks: this.#chunks(ino, sizeBytes) };
  }

  *#chunks(ino: Ino, sizeBytes: number): Generator<Uint8Array, void> {
    const place = this.#tree.inodes.place(ino);
    for (let position = 0; position < sizeBytes; position += PIECE_BYTES) {
      const piece = this.#buffer.subarray(0, Math.min(PIECE_BYTES, sizeBytes - position));
      this.#sink.read(place, piece, position);
      yield piece;
    }
  }
}

/** What an archive has made so far, as it is written in somebody's order. */
class Made {
  readonly #tree: Tree;
  readonly #warn: (message: string) => void;
  readonly #names = new Map<Ino, Uint8Array>();

  constructor(tree: Tree, warn: (message: string) => void) {
    this.#tree = tree;
    this.#warn = warn;
  }

  /** The inode that all of `names` lead to. */
  next(names: readonly Uint8Array[]): Ino {
    const [first] = names;
    const ino = findPath(this.#tree, first!, { follow: "parents" });
    const before = this.#names.get(ino);
    if (ino < 0 || (before !== undefined && !equalBytes(before, first!))) throw replaced(first!);
    for (const name of names) this.#checkParent(name);
    this.#names.set(ino, first!);
    return ino;
  }

  /** The kernel makes no parents: what has none is left out of what it unpacks, in silence. */
  #checkParent(name: Uint8Array): void {
    const parent = locatePath(this.#tree, name, { follow: "parents" })?.directory ?? Tree.ROOT;
    if (parent === Tree.ROOT || this.#names.has(parent) || IN_KERNEL.test(display(name))) return;
    this.#warn(
      `"/${display(name)}" comes before its directory: the kernel leaves it out unless another archive has that`,
    );
  }
}

/** Directories that every kernel has from its own archive (usr/default_cpio_list). */
const IN_KERNEL = /^(dev|root)\/[^/]+$/;

function replaced(name: Uint8Array): WickError {
  return new WickError(
    "PATH_CONFLICT",
    `Cannot add "/${display(name)}" to the archive: through a link another entry has the same name`,
    { hint: "name both by the path that has no link in it" },
  );
}

function joined(directory: Uint8Array, name: Uint8Array): Uint8Array {
  const path = new Uint8Array(directory.length + name.length);
  path.set(directory);
  path.set(name, directory.length);
  return path;
}

function withSlash(path: Uint8Array): Uint8Array {
  return joined(path, Uint8Array.of(SLASH));
}
