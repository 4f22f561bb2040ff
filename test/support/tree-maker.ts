/** For tests: builds trees by paths, contents through a sink. */
import { utf8 } from "../../src/bytes/index.ts";
import { NO_PLACE, Tree, type Ino, type Metadata, type Sink } from "../../src/tree/index.ts";

/** A file's contents: bytes, or bytes and holes (a number is a hole's length). */
export type Contents = string | Uint8Array | readonly (Uint8Array | number)[];

/** What a test says about a node; the rest is 0644 (0755), root, 2001-09-09. */
export type Given = Partial<Metadata>;

const at = { mtime: { seconds: 1_000_000_000, nanoseconds: 123_456_789 } };
const FILE: Metadata = { mode: 0o644, uid: 0, gid: 0, ...at, xattrs: [] };
const DIRECTORY: Metadata = { ...FILE, mode: 0o755 };

const bytesOf = (name: string | Uint8Array): Uint8Array =>
  typeof name === "string" ? utf8(name) : name;

/** A named value of an extended attribute. */
export const xattr = (
  name: string,
  value: string | Uint8Array,
): { name: Uint8Array; value: Uint8Array } => ({ name: utf8(name), value: bytesOf(value) });

export class TreeMaker {
  readonly tree = new Tree();
  readonly #sink: Sink;

  constructor(sink: Sink) {
    this.#sink = sink;
  }

  directory(parent: Ino, name: string | Uint8Array, given: Given = {}): Ino {
    return this.tree.create(parent, bytesOf(name), "directory", { ...DIRECTORY, ...given });
  }

  file(parent: Ino, name: string | Uint8Array, contents: Contents = "", given: Given = {}): Ino {
    const ino = this.tree.create(parent, bytesOf(name), "file", { ...FILE, ...given });
    this.setContents(ino, contents);
    return ino;
  }

  /** Stores contents; those that the file had are given back. */
  setContents(ino: Ino, contents: Contents): void {
    const old = this.tree.inodes.place(ino);
    if (old !== NO_PLACE) this.#sink.discard(old);
    const parts =
      typeof contents === "string" || contents instanceof Uint8Array
        ? [bytesOf(contents)]
        : contents;
    let size = 0;
    this.#sink.begin();
    for (const part of parts) {
      if (typeof part === "number") this.#sink.hole(part);
      else this.#sink.data(part);
      size += typeof part === "number" ? part : part.length;
    }
    this.tree.inodes.setContents(ino, { place: this.#sink.end(), size });
  }

  symlink(
    parent: Ino,
    name: string | Uint8Array,
    target: string | Uint8Array,
    given: Given = {},
  ): Ino {
    const metadata = { ...FILE, mode: 0o777, ...given };
    const ino = this.tree.create(parent, bytesOf(name), "symlink", metadata);
    this.tree.inodes.setTarget(ino, bytesOf(target));
    return ino;
  }

  special(
    parent: Ino,
    name: string,
    kind: "char" | "block" | "fifo" | "socket",
    rdev?: { major: number; minor: number },
  ): Ino {
    const ino = this.tree.create(parent, utf8(name), kind, FILE);
    if (rdev) this.tree.inodes.setRdev(ino, rdev);
    return ino;
  }

  link(parent: Ino, name: string, ino: Ino): void {
    this.tree.link(parent, utf8(name), ino);
  }
}
