import { display } from "../bytes/index.ts";
import { WickError } from "../errors/index.ts";
import type { Metadata } from "./entry.ts";
import { Inodes, type Ino } from "./inodes.ts";
import type { Kind } from "./kinds.ts";
import { Names } from "./names.ts";

/** NAME_MAX of Linux: bytes of one name. */
export const NAME_MAX = 255;

/** What a directory that nobody described gets: 0755 root, the epoch. */
export const DEFAULT_DIRECTORY: Metadata = {
  mode: 0o755,
  uid: 0,
  gid: 0,
  mtime: { seconds: 0, nanoseconds: 0 },
  xattrs: [],
};

/**
 * A file tree in memory: names and metadata, and the places of files' bytes, never the bytes.
 * Hard links are several names of one inode.
 */
export class Tree {
  static readonly ROOT: Ino = 0;
  readonly inodes = new Inodes();
  readonly #names = new Names();
  /** Directories know their parent: `..` of a path. */
  readonly #parents = new Map<Ino, Ino>();

  constructor(root: Metadata = DEFAULT_DIRECTORY) {
    this.inodes.add("directory", root);
    this.#parents.set(Tree.ROOT, Tree.ROOT);
  }

  /** How many names the tree holds, the root's not counted. */
  get nameCount(): number {
    return this.#names.count;
  }

  /** The inode that `name` leads to in `directory`, or -1; `.` and `..` are not names. */
  lookup(directory: Ino, name: Uint8Array): Ino {
    return this.#names.lookup(directory, name);
  }

  /** The directory that holds `directory`; the root's is the root. */
  parent(directory: Ino): Ino {
    return this.#parents.get(directory)!;
  }

  /** The entries of `directory`, sorted by the bytes of their names; names are only lent. */
  list(directory: Ino): { readonly name: Uint8Array; readonly ino: Ino }[] {
    return this.#names.list(directory);
  }

  /** Makes a new inode under a free name. */
  create(directory: Ino, name: Uint8Array, kind: Kind, metadata: Metadata): Ino {
    const ino = this.inodes.add(kind, metadata);
    this.link(directory, name, ino);
    return ino;
  }

  /** Gives an inode a (further) name, which must be free. */
  link(directory: Ino, name: Uint8Array, ino: Ino): void {
    checkName(name);
    this.#names.add(directory, name, ino);
    this.inodes.addNames(ino, 1);
    if (this.inodes.kind(ino) === "directory") this.#parents.set(ino, directory);
  }

  /**
   * Takes a name away, and with a directory all that is below it.
   * `onLast` is told of every file inode that lost its last name.
   */
  remove(directory: Ino, name: Uint8Array, onLast?: (ino: Ino) => void): void {
    const ino = this.lookup(directory, name);
    this.#names.remove(directory, name);
    const pending: Ino[] = [ino];
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      if (this.inodes.addNames(next, -1) > 0) continue;
      if (this.inodes.kind(next) !== "directory") onLast?.(next);
      else pending.push(...this.#empty(next));
    }
  }

  /** Every name below the root, parents before children, siblings in byte order. */
  *walk(): Generator<{ readonly directory: Ino; readonly name: Uint8Array; readonly ino: Ino }> {
    const stack = this.list(Tree.ROOT)
      .reverse()
      .map((entry) => ({ ...entry, directory: Tree.ROOT }));
    for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
      yield next;
      if (this.inodes.kind(next.ino) !== "directory") continue;
      const directory = next.ino;
      for (const entry of this.list(directory).reverse()) stack.push({ ...entry, directory });
    }
  }

  /** Takes all entries of a directory away and returns their inodes. */
  #empty(directory: Ino): Ino[] {
    this.#parents.delete(directory);
    const entries = this.list(directory);
    for (const { name } of entries) this.#names.remove(directory, name);
    return entries.map(({ ino }) => ino);
  }
}

function checkName(name: Uint8Array): void {
  if (name.length > 0 && name.length <= NAME_MAX) return;
  const shown = display(name.subarray(0, 60));
  throw new WickError(
    "IMAGE_LIMIT",
    `Cannot add "${shown}…": the name has ${name.length} bytes, Linux allows 1 to ${NAME_MAX}`,
  );
}
