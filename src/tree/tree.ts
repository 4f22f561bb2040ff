import { display, int32Column } from "../bytes/index.ts";
import { WickError } from "../errors/index.ts";
import type { Metadata } from "./entry.ts";
import { Inodes, type Ino } from "./inodes.ts";
import type { Kind } from "./kinds.ts";
import { fillUpTo, Names, type Slot } from "./names.ts";

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

/** Whether a directory is as it would be if nobody had described it. */
export function isUndescribed({ mode, uid, gid, mtime, xattrs }: Metadata): boolean {
  const isRoots = mode === DEFAULT_DIRECTORY.mode && uid === 0 && gid === 0;
  return isRoots && mtime.seconds === 0 && mtime.nanoseconds === 0 && xattrs.length === 0;
}

/**
 * A file tree in memory: names and metadata, and the places of files' bytes, never the bytes.
 * Hard links are several names of one inode.
 */
export class Tree {
  static readonly ROOT: Ino = 0;
  readonly inodes = new Inodes();
  readonly #names = new Names();
  /** The newest name of each inode: a directory's only one. */
  readonly #slots = int32Column();

  constructor(root: Metadata = DEFAULT_DIRECTORY) {
    this.inodes.add("directory", root);
  }

  /** How many names the tree holds, the root's not counted. */
  get nameCount(): number {
    return this.#names.count;
  }

  /** The inode that `name` leads to in `directory`, or -1; `.` and `..` are not names. */
  lookup(directory: Ino, name: Uint8Array): Ino {
    return this.#names.lookup(directory, name);
  }

  /** The directory that holds `directory`; the root's is the root, a removed one's -1. */
  parent(directory: Ino): Ino {
    if (directory === Tree.ROOT) return Tree.ROOT;
    const slot = this.slotOf(directory);
    return slot < 0 ? -1 : this.#names.directoryAt(slot);
  }

  /** A name of `ino` and the directory that holds it; undefined for the root and the removed. */
  nameOf(ino: Ino): { readonly directory: Ino; readonly name: Uint8Array } | undefined {
    const slot = this.slotOf(ino);
    if (slot >= 0)
      return { directory: this.#names.directoryAt(slot), name: this.#names.nameAt(slot) };
    if (ino === Tree.ROOT || this.inodes.nameCount(ino) === 0) return undefined;
    // Its newest name is gone, an older one is left.
    for (const entry of this.walk()) if (entry.ino === ino) return entry;
    return undefined;
  }

  /** Whether a directory is still in the tree. */
  isAttached(directory: Ino): boolean {
    let at = directory;
    while (at > Tree.ROOT) at = this.parent(at);
    return at === Tree.ROOT;
  }

  isEmpty(directory: Ino): boolean {
    return this.#names.isEmpty(directory);
  }

  /** The entries of `directory`, sorted by the bytes of their names; names are only lent. */
  list(directory: Ino): { readonly name: Uint8Array; readonly ino: Ino }[] {
    return this.#names.list(directory);
  }

  /** Makes a new inode under a free name. */
  create(directory: Ino, name: Uint8Array, kind: Kind, metadata: Metadata): Ino {
    checkName(name);
    const ino = this.inodes.add(kind, metadata);
    this.link(directory, name, ino);
    return ino;
  }

  /** Gives an inode a (further) name, which must be free. */
  link(directory: Ino, name: Uint8Array, ino: Ino): void {
    checkName(name);
    this.#setSlot(ino, this.#names.add(directory, name, ino));
    this.inodes.addNames(ino, 1);
  }

  /** Makes a name that exists lead to another inode; what it led to goes, as in `remove`. */
  replace(directory: Ino, name: Uint8Array, ino: Ino, onLast?: (ino: Ino) => void): void {
    const old = this.lookup(directory, name);
    if (old === ino) return;
    this.#setSlot(ino, this.#names.replace(directory, name, ino));
    this.inodes.addNames(ino, 1);
    this.#drop(old, onLast);
  }

  /**
   * Takes a name away, and with a directory all that is below it, in time linear in that.
   * `onLast` is told of every inode but directories that lost its last name.
   */
  remove(directory: Ino, name: Uint8Array, onLast?: (ino: Ino) => void): void {
    const ino = this.lookup(directory, name);
    this.#names.remove(directory, name);
    this.#drop(ino, onLast);
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

  /** One name fewer for `ino`; the last one takes what is below along. */
  #drop(ino: Ino, onLast: ((ino: Ino) => void) | undefined): void {
    const pending: Ino[] = [ino];
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      if (this.inodes.addNames(next, -1) > 0) continue;
      if (this.inodes.kind(next) !== "directory") onLast?.(next);
      else for (const child of this.#names.removeAll(next)) pending.push(child);
    }
  }

  /** The slot of the inode's newest name, or -1 when that is gone. */
  slotOf(ino: Ino): Slot {
    const slot = ino < this.#slots.length ? this.#slots.get(ino) : -1;
    return slot >= 0 && this.#names.inoAt(slot) === ino ? slot : -1;
  }

  /** The slot of a name, or -1: a number that it keeps while it exists, whatever it leads to. */
  slotAt(directory: Ino, name: Uint8Array): Slot {
    return this.#names.slotAt(directory, name);
  }

  /** The slots of all names in `directory`, in no order that means anything. */
  slotsIn(directory: Ino): Slot[] {
    return this.#names.slotsOf(directory);
  }

  /** The name in a slot, only lent, and where it leads. */
  entryAt(slot: Slot): { readonly name: Uint8Array; readonly ino: Ino } {
    return { name: this.#names.nameAt(slot), ino: this.#names.inoAt(slot) };
  }

  #setSlot(ino: Ino, slot: number): void {
    fillUpTo(this.#slots, ino);
    this.#slots.set(ino, slot);
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
