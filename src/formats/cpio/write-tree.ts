import { display } from "../../bytes/index.ts";
import { Tree, type Ino, type Sink } from "../../tree/index.ts";
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
}

/**
 * Writes a tree as one newc archive: the root as `.`, parents before children, siblings in byte
 * order. A file with several names is written at its last one, where all their directories are
 * there. The same tree gives the same bytes; holes become zeros. Returns the archive's inodes.
 * Errors: IMAGE_LIMIT (a file of 4 GiB, a path of 4096 bytes), VALUE_OUT_OF_RANGE.
 */
export function writeCpioTree(tree: Tree, sink: Sink, options: CpioTreeOptions): number {
  return new TreeArchive(tree, sink, options).writeAll();
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

function joined(directory: Uint8Array, name: Uint8Array): Uint8Array {
  const path = new Uint8Array(directory.length + name.length);
  path.set(directory);
  path.set(name, directory.length);
  return path;
}

function withSlash(path: Uint8Array): Uint8Array {
  return joined(path, Uint8Array.of(SLASH));
}
