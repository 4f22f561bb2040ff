import { display, utf8 } from "../../bytes/index.ts";
import { isWickError, WickError } from "../../errors/index.ts";
import { NO_PLACE, Tree, type Ino, type Place } from "../../tree/index.ts";
import { FILE_TYPE } from "../file-types.ts";
import { inodeSeed } from "./checksums.ts";
import type { DirectoryEntry } from "./directory-block.ts";
import { DirectoryWriter } from "./directory-writer.ts";
import { buildExtentTree, splitRuns } from "./extents-writer.ts";
import { BLOCK } from "./geometry.ts";
import type { HashSeed } from "./htree-hash.ts";
import { encodeDevice } from "./inode-encoder.ts";
import { InodePlan, MADE_LOST_FOUND } from "./inode-plan.ts";
import { I_BLOCK_BYTES } from "./layout.ts";
import { EXT_INIT_MAX_LEN, ROOT_EXTENTS } from "./layout-extents.ts";
import { FIRST_INO, INO, LINK_MAX } from "./layout-flags.ts";
import type { Ext4Sink } from "./sink.ts";
import { pathOf } from "../tree-path.ts";
import { isStorable } from "./times.ts";
import { encodeXattrBlock, placeXattrs } from "./xattr-writer.ts";

const LOST_FOUND = utf8("lost+found");
/** Bytes of a file that are copied at a time. */
const COPY_BYTES = 1 << 20;
/** Longest text of a symlink: PATH_MAX with its NUL, and one block. */
const SYMLINK_MAX = BLOCK - 1;

/** What the walk over a tree needs. */
export interface TreeWriterOptions {
  readonly tree: Tree;
  readonly sink: Ext4Sink;
  readonly fsSeed: number;
  readonly hashSeed: HashSeed;
  readonly warn: (message: string) => void;
}

/** A directory that waits to be written. */
interface Pending {
  readonly directory: Ino;
  readonly number: number;
  readonly parent: number;
}

/**
 * Numbers the inodes and writes the directories, long symlinks, extent nodes and attribute
 * blocks. A directory's entries get their numbers in the order of their names when the
 * directory is written, parents before children; what lies in one directory stays together.
 */
export class TreeWriter {
  readonly plan = new InodePlan();
  readonly #options: TreeWriterOptions;
  readonly #directories: DirectoryWriter;
  /** Number of each of the tree's inodes, 0 = none yet; of several copies the last. */
  readonly #numbers: Int32Array;

  constructor(options: TreeWriterOptions) {
    this.#options = options;
    this.#numbers = new Int32Array(options.tree.inodes.count);
    this.#directories = new DirectoryWriter(options.hashSeed, (block) => options.sink.data(block));
  }

  /** Writes the whole tree; afterwards the plan is complete. */
  write(): InodePlan {
    this.#adopt(INO.ROOT, Tree.ROOT);
    this.#prepare(INO.ROOT, Tree.ROOT, "/");
    this.#reserveLostFound();
    const pending: Pending[] = [{ directory: Tree.ROOT, number: INO.ROOT, parent: INO.ROOT }];
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      for (const below of this.#writeDirectory(next).reverse()) pending.push(below);
    }
    return this.plan;
  }

  #adopt(number: number, ino: Ino): void {
    this.plan.setIno(number, ino);
    this.#numbers[ino] = number;
  }

  /** lost+found has the first free number, whether the tree brings one or not. */
  #reserveLostFound(): void {
    const { tree } = this.#options;
    const ino = tree.lookup(Tree.ROOT, LOST_FOUND);
    if (ino < 0) {
      this.plan.setIno(FIRST_INO, MADE_LOST_FOUND);
      this.#put(FIRST_INO, () => this.#putEntries(FIRST_INO, INO.ROOT, []));
      this.plan.setLinks(FIRST_INO, 2);
      return;
    }
    if (tree.inodes.kind(ino) !== "directory") {
      throw new WickError(
        "PATH_CONFLICT",
        `Cannot write "/lost+found": it is a ${tree.inodes.kind(ino)}, ext4 wants a directory there`,
      );
    }
    this.#adopt(FIRST_INO, ino);
    this.#prepare(FIRST_INO, ino, "/lost+found");
  }

  /** Writes one directory; returns the directories in it. */
  #writeDirectory({ directory, number, parent }: Pending): Pending[] {
    const { tree } = this.#options;
    const below: Pending[] = [];
    const entries: DirectoryEntry[] = [];
    for (const { name, ino } of tree.list(directory)) {
      const kind = tree.inodes.kind(ino);
      const inode =
        kind === "directory"
          ? this.#numberOfDirectory(ino, () => pathOf(tree, directory, name))
          : this.#numberOfLink(ino, () => pathOf(tree, directory, name));
      if (kind === "directory") below.push({ directory: ino, number: inode, parent: number });
      entries.push({ name, inode, fileType: FILE_TYPE[kind] });
    }
    const made = directory === Tree.ROOT && this.plan.ino(FIRST_INO) === MADE_LOST_FOUND;
    if (made) entries.push({ name: LOST_FOUND, inode: FIRST_INO, fileType: FILE_TYPE.directory });
    this.#put(number, () => this.#putEntries(number, parent, entries));
    const links = 2 + below.length + (made ? 1 : 0);
    // dir_nlink: too many subdirectories to count are counted as 1
    this.plan.setLinks(number, links > LINK_MAX ? 1 : links);
    return below;
  }

  #putEntries(self: number, parent: number, entries: readonly DirectoryEntry[]): void {
    const seed = inodeSeed(this.#options.fsSeed, self, 0);
    this.#directories.write({ self, parent, entries, inodeSeed: seed });
  }

  #numberOfDirectory(ino: Ino, path: () => string): number {
    const known = this.#numbers[ino]!;
    if (known !== 0) return known; // lost+found
    const number = this.plan.add(ino);
    this.#numbers[ino] = number;
    this.#prepare(number, ino, path);
    return number;
  }

  /** The number for one more name of `ino`; past LINK_MAX names a copy is made. */
  #numberOfLink(ino: Ino, path: () => string): number {
    const known = this.#numbers[ino]!;
    if (known !== 0 && this.plan.links(known) < LINK_MAX) {
      this.plan.setLinks(known, this.plan.links(known) + 1);
      return known;
    }
    const number = this.plan.add(ino);
    this.#numbers[ino] = number;
    this.plan.setLinks(number, 1);
    const { inodes } = this.#options.tree;
    this.plan.setPlace(number, inodes.place(ino));
    if (known !== 0) this.#copy(number, ino, path);
    this.#prepare(number, ino, path);
    return number;
  }

  /** Gives an inode with too many names a second one with the same contents. */
  #copy(number: number, ino: Ino, path: () => string): void {
    const { sink, tree, warn } = this.#options;
    warn(`"${path()}" and what follows are a copy: ext4 allows ${LINK_MAX} links to one file`);
    const from = tree.inodes.place(ino);
    if (from === NO_PLACE) return;
    this.plan.setPlace(number, copyContents(sink, from, tree.inodes.size(ino)));
  }

  /** Writes what an inode needs outside of itself, and checks what it cannot hold. */
  #prepare(number: number, ino: Ino, path: string | (() => string)): void {
    const shown = typeof path === "string" ? () => path : path;
    try {
      this.#checkTime(ino, shown);
      this.#prepareXattrs(number, ino, shown);
      this.#prepareByKind(number, ino);
    } catch (error) {
      if (!isWickError(error, "IMAGE_LIMIT", "ARCHIVE_INVALID", "VALUE_OUT_OF_RANGE")) throw error;
      const problem = error.message.replace(/^Cannot/u, "cannot");
      throw new WickError(error.code, `Cannot write "${shown()}": ${problem}`, { cause: error });
    }
  }

  #prepareByKind(number: number, ino: Ino): void {
    const { inodes } = this.#options.tree;
    const kind = inodes.kind(ino);
    if (kind === "symlink") this.#prepareSymlink(number, ino);
    else if (kind === "file") this.#prepareExtents(number);
    else if (kind === "char" || kind === "block") encodeDevice(inodes.rdev(ino)); // checks it
  }

  #checkTime(ino: Ino, path: () => string): void {
    const time = this.#options.tree.inodes.mtime(ino);
    if (isStorable(time)) return;
    this.#options.warn(
      `"${path()}": its time, ${time.seconds} s from 1970, is moved into the years 1901 to 2446 that ext4 can store`,
    );
  }

  #prepareXattrs(number: number, ino: Ino, path: () => string): void {
    const { tree, sink, fsSeed, warn } = this.#options;
    const xattrs = tree.inodes.xattrs(ino);
    if (xattrs.length === 0) return;
    const placed = placeXattrs(xattrs, (problem) => warn(`"${path()}": ${problem}`));
    let blockNumber = 0;
    if (placed.block.length > 0) {
      blockNumber = sink.putOwnBlock((at) => encodeXattrBlock(placed.block, fsSeed, at));
    }
    this.plan.xattrs.set(number, { ...placed, blockNumber });
  }

  #prepareSymlink(number: number, ino: Ino): void {
    const target = this.#options.tree.inodes.target(ino) ?? new Uint8Array();
    if (target.length === 0 || target.length > SYMLINK_MAX || target.includes(0)) {
      const shown = display(target.subarray(0, 60));
      throw new WickError(
        "IMAGE_LIMIT",
        `Cannot store a symbolic link to "${shown}": ${target.length} bytes, wanted 1 to ${SYMLINK_MAX} and no NUL`,
      );
    }
    if (target.length >= I_BLOCK_BYTES) this.#put(number, () => this.#options.sink.data(target));
  }

  /** Stores what `write` emits as the contents of inode `number`. */
  #put(number: number, write: () => void): void {
    const { sink } = this.#options;
    sink.begin();
    write();
    this.plan.setPlace(number, sink.end());
    this.#prepareExtents(number);
  }

  #prepareExtents(number: number): void {
    const { sink, fsSeed } = this.#options;
    const place = this.plan.place(number);
    if (place === NO_PLACE) return;
    const { from, to } = sink.extents.range(place);
    if (to - from <= ROOT_EXTENTS && sink.extents.blocks(place) <= EXT_INIT_MAX_LEN) return;
    const runs = sink.extents.runs(place);
    if (splitRuns(runs).length <= ROOT_EXTENTS) return;
    const seed = inodeSeed(fsSeed, number, 0);
    const built = buildExtentTree(runs, seed, (block) => sink.putOwnBlock(() => block));
    this.plan.extentTrees.set(number, built);
  }
}

/** Copies the contents at `from`, holes kept. */
function copyContents(sink: Ext4Sink, from: Place, size: number): Place {
  const buffer = new Uint8Array(COPY_BYTES);
  sink.begin();
  let position = 0;
  for (const run of sink.extents.runs(from)) {
    const end = Math.min(size, (run.logical + run.length) * BLOCK);
    sink.hole(run.logical * BLOCK - position);
    for (position = run.logical * BLOCK; position < end;) {
      const chunk = buffer.subarray(0, Math.min(COPY_BYTES, end - position));
      sink.read(from, chunk, position);
      sink.data(chunk);
      position += chunk.length;
    }
  }
  sink.hole(size - position);
  return sink.end();
}
