import type { WritableStorage } from "../../bytes/index.ts";
import { NO_PLACE, Tree, type Ino } from "../../tree/index.ts";
import { ExtentRoots } from "./extent-roots.ts";
import { extentRoot } from "./extents-writer.ts";
import { BLOCK, INODE_SIZE, INODES_PER_BLOCK } from "./geometry.ts";
import { encodeDevice, sealInode, writeInode, type InodeFields } from "./inode-encoder.ts";
import { MADE_LOST_FOUND, NO_INO, type InodePlan } from "./inode-plan.ts";
import { I_BLOCK_BYTES, inode } from "./layout.ts";
import { INO, INODE_FLAGS } from "./layout-flags.ts";
import { journalContents } from "./journal-writer.ts";
import type { Placement } from "./placement.ts";
import type { Ext4Sink } from "./sink.ts";
import { writeInlineXattrs } from "./xattr-writer.ts";

/** Bytes of inodes that are gathered before they are written. */
const CHUNK_BYTES = 1 << 20;
const INODES_PER_CHUNK = CHUNK_BYTES / INODE_SIZE;
const PRIVATE_DIRECTORY = 0o040700;
const PRIVATE_FILE = 0o100600;

const DIRECTORY_BITS = 4; // S_IFDIR >> 12
const NO_BYTES = new Uint8Array();
const EMPTY_ROOT = extentRoot([]);

/** What the inode tables are made of. */
export interface InodeTablesOptions {
  readonly storage: WritableStorage;
  readonly tree: Tree;
  readonly sink: Ext4Sink;
  readonly plan: InodePlan;
  readonly placement: Placement;
  readonly fsSeed: number;
}

/** Writes the inode tables, group by group; untouched ones are left alone. */
export class InodeTables {
  readonly #options: InodeTablesOptions;
  readonly #roots = new ExtentRoots();
  readonly #chunk = new Uint8Array(CHUNK_BYTES);
  /** The inode at hand; one object for all, as this runs once for every file. */
  readonly #fields: InodeFields = {
    stMode: 0,
    uid: 0,
    gid: 0,
    sizeBytes: 0,
    links: 0,
    time: { seconds: 0, nanoseconds: 0 },
    flags: 0,
    blocks: 0,
    iBlock: NO_BYTES,
    xattrBlock: 0,
  };
  /** How many directories each group has (bg_used_dirs_count). */
  readonly directories: Uint32Array;

  constructor(options: InodeTablesOptions) {
    this.#options = options;
    this.directories = new Uint32Array(options.placement.geometry.groups);
  }

  write(): void {
    const { placement, plan } = this.#options;
    const { groups, inodesPerGroup } = placement.geometry;
    for (let group = 0; group < groups; group++) {
      const used = Math.min(inodesPerGroup, Math.max(0, plan.last - group * inodesPerGroup));
      const toWrite =
        placement.tableIsNew[group] === 1
          ? Math.ceil(used / INODES_PER_BLOCK) * INODES_PER_BLOCK
          : inodesPerGroup; // the rest may hold old bytes
      for (let from = 0; from < toWrite; from += INODES_PER_CHUNK) {
        this.#writeChunk(group, from, Math.min(INODES_PER_CHUNK, toWrite - from), used);
      }
    }
  }

  #writeChunk(group: number, from: number, count: number, used: number): void {
    const { placement, storage } = this.#options;
    const chunk = this.#chunk.subarray(0, count * INODE_SIZE);
    chunk.fill(0);
    const firstNumber = group * placement.geometry.inodesPerGroup + 1;
    for (let i = 0; i < count && from + i < used; i++) {
      const bytes = chunk.subarray(i * INODE_SIZE, (i + 1) * INODE_SIZE);
      this.#writeInode(firstNumber + from + i, bytes, group);
    }
    const start = placement.tables[group]! * BLOCK + from * INODE_SIZE;
    storage.writeAt(chunk, start);
  }

  #writeInode(number: number, bytes: Uint8Array, group: number): void {
    if (!this.#fill(number)) return;
    if (this.#fields.stMode >>> 12 === DIRECTORY_BITS) this.directories[group]!++;
    const view = new DataView(bytes.buffer, bytes.byteOffset, INODE_SIZE);
    writeInode(view, bytes, this.#fields);
    const xattrs = this.#options.plan.xattrs.get(number);
    if (xattrs) writeInlineXattrs(bytes.subarray(inode.sizeBytes), xattrs.inline);
    sealInode(view, bytes, this.#options.fsSeed, number);
  }

  /** Sets all fields for inode `number`; false when there is none. */
  #fill(number: number): boolean {
    const { plan, placement } = this.#options;
    const fields = this.#fields;
    fields.links = plan.links(number);
    fields.flags = 0;
    fields.blocks = 0;
    fields.sizeBytes = 0;
    fields.iBlock = NO_BYTES;
    fields.xattrBlock = plan.xattrs.get(number)?.blockNumber ?? 0;
    const ino = plan.ino(number);
    if (number === INO.JOURNAL && placement.journalBlocks > 0) this.#fillJournal();
    else if (ino === MADE_LOST_FOUND) this.#fillLostFound(number);
    else if (ino === NO_INO) return false;
    else this.#fillFromTree(number, ino);
    if (fields.xattrBlock !== 0) fields.blocks++;
    return true;
  }

  /** Inodes that are wick's own belong to root; they are as old as the root directory. */
  #fillOwn(stMode: number): void {
    this.#fields.stMode = stMode;
    this.#fields.uid = 0;
    this.#fields.gid = 0;
    this.#fields.time = this.#options.tree.inodes.mtime(Tree.ROOT);
  }

  #fillLostFound(number: number): void {
    this.#fillOwn(PRIVATE_DIRECTORY);
    this.#mapDirectory(number);
  }

  #fillJournal(): void {
    const { journalStart: start, journalBlocks: length } = this.#options.placement;
    this.#fillOwn(PRIVATE_FILE);
    this.#fields.links = 1;
    this.#fields.blocks = length;
    this.#fields.flags = INODE_FLAGS.EXTENTS;
    const { iBlock, sizeBytes } = journalContents({ start, length });
    this.#fields.iBlock = iBlock;
    this.#fields.sizeBytes = sizeBytes;
  }

  #fillFromTree(number: number, ino: Ino): void {
    const { inodes } = this.#options.tree;
    const fields = this.#fields;
    fields.stMode = inodes.stMode(ino);
    fields.uid = inodes.uid(ino);
    fields.gid = inodes.gid(ino);
    fields.time = inodes.mtime(ino);
    const kind = inodes.kind(ino);
    if (kind === "directory") this.#mapDirectory(number);
    else if (kind === "char" || kind === "block") fields.iBlock = encodeDevice(inodes.rdev(ino));
    else if (kind === "file" || kind === "symlink") {
      fields.sizeBytes = inodes.size(ino);
      const isFast = kind === "symlink" && fields.sizeBytes < I_BLOCK_BYTES;
      if (isFast) fields.iBlock = inodes.target(ino)!;
      else this.#map(number);
    }
  }

  #mapDirectory(number: number): void {
    const blocks = this.#map(number);
    this.#fields.sizeBytes = blocks * BLOCK;
    if (blocks > 1) this.#fields.flags |= INODE_FLAGS.INDEX;
  }

  /** Contents in blocks: the extents, or the tree that was built for them. Returns how many. */
  #map(number: number): number {
    const { plan, sink } = this.#options;
    const fields = this.#fields;
    const place = plan.place(number);
    fields.flags = INODE_FLAGS.EXTENTS;
    fields.iBlock = EMPTY_ROOT;
    if (place === NO_PLACE) return 0;
    const blocks = sink.extents.blocks(place);
    const tree = plan.extentTrees.get(number);
    fields.iBlock = tree?.root ?? this.#roots.of(sink.extents, place);
    fields.blocks = blocks + (tree?.nodeBlocks ?? 0);
    return blocks;
  }
}
