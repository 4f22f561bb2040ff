import type { WritableStorage } from "../../bytes/index.ts";
import { NO_PLACE, Tree, type Ino } from "../../tree/index.ts";
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

type Metadata = Pick<InodeFields, "stMode" | "uid" | "gid" | "time">;
type Contents = Pick<InodeFields, "flags" | "iBlock" | "blocks" | "sizeBytes">;

const NOTHING: Contents = { flags: 0, iBlock: new Uint8Array(), blocks: 0, sizeBytes: 0 };
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
  readonly #chunk = new Uint8Array(CHUNK_BYTES);
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
    const fields = this.#fieldsOf(number);
    if (!fields) return;
    if (fields.stMode >>> 12 === 4) this.directories[group]!++;
    const view = new DataView(bytes.buffer, bytes.byteOffset, INODE_SIZE);
    writeInode(view, bytes, fields);
    const xattrs = this.#options.plan.xattrs.get(number);
    if (xattrs) writeInlineXattrs(bytes.subarray(inode.sizeBytes), xattrs.inline);
    sealInode(view, bytes, this.#options.fsSeed, number);
  }

  #fieldsOf(number: number): InodeFields | undefined {
    if (number === INO.JOURNAL) return this.#journalFields();
    const ino = this.#options.plan.ino(number);
    if (ino === NO_INO) return undefined;
    const metadata = ino === MADE_LOST_FOUND ? this.#madeMetadata() : this.#metadata(ino);
    const contents = this.#contents(number, ino);
    const xattrBlock = this.#options.plan.xattrs.get(number)?.blockNumber ?? 0;
    const blocks = contents.blocks + (xattrBlock === 0 ? 0 : 1);
    return {
      ...metadata,
      ...contents,
      blocks,
      links: this.#options.plan.links(number),
      xattrBlock,
    };
  }

  #metadata(ino: Ino): Metadata {
    const { inodes } = this.#options.tree;
    const time = inodes.mtime(ino);
    return { stMode: inodes.stMode(ino), uid: inodes.uid(ino), gid: inodes.gid(ino), time };
  }

  /** lost+found is root's and private; it is as old as the root. */
  #madeMetadata(): Metadata {
    const time = this.#options.tree.inodes.mtime(Tree.ROOT);
    return { stMode: PRIVATE_DIRECTORY, uid: 0, gid: 0, time };
  }

  #journalFields(): InodeFields | undefined {
    const { journalStart: start, journalBlocks: length } = this.#options.placement;
    if (length === 0) return undefined;
    return {
      ...this.#madeMetadata(),
      stMode: PRIVATE_FILE,
      ...journalContents({ start, length }),
      blocks: length,
      links: 1,
      xattrBlock: 0,
    };
  }

  #contents(number: number, ino: Ino): Contents {
    if (ino === MADE_LOST_FOUND) return this.#directory(number);
    const { inodes } = this.#options.tree;
    const sizeBytes = inodes.size(ino);
    switch (inodes.kind(ino)) {
      case "directory":
        return this.#directory(number);
      case "file":
        return { ...this.#mapped(number), sizeBytes };
      case "symlink":
        if (sizeBytes >= I_BLOCK_BYTES) return { ...this.#mapped(number), sizeBytes };
        return { ...NOTHING, iBlock: inodes.target(ino)!, sizeBytes };
      case "char":
      case "block":
        return { ...NOTHING, iBlock: encodeDevice(inodes.rdev(ino)) };
      default:
        return NOTHING;
    }
  }

  #directory(number: number): Contents {
    const mapped = this.#mapped(number);
    const dataBlocks = this.#options.sink.extents.blocks(this.#options.plan.place(number));
    const flags = mapped.flags | (dataBlocks > 1 ? INODE_FLAGS.INDEX : 0);
    return { ...mapped, flags, sizeBytes: dataBlocks * BLOCK };
  }

  /** Contents in blocks: the extents, or the tree that was built for them. */
  #mapped(number: number): Omit<Contents, "sizeBytes"> {
    const { plan, sink } = this.#options;
    const place = plan.place(number);
    if (place === NO_PLACE) return { flags: INODE_FLAGS.EXTENTS, iBlock: EMPTY_ROOT, blocks: 0 };
    const blocks = sink.extents.blocks(place);
    const tree = plan.extentTrees.get(number);
    if (tree) {
      return { flags: INODE_FLAGS.EXTENTS, iBlock: tree.root, blocks: blocks + tree.nodeBlocks };
    }
    return { flags: INODE_FLAGS.EXTENTS, iBlock: extentRoot(sink.extents.runs(place)), blocks };
  }
}
