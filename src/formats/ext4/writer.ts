import { crc32c, type Storage } from "../../bytes/index.ts";
import { WickError } from "../../errors/index.ts";
import type { Tree } from "../../tree/index.ts";
import {
  checkLabel,
  checkUuid,
  type FileSystemOptions,
  type FileSystemWriter,
} from "../file-system-writer.ts";
import { Allocator } from "./allocator.ts";
import { crcOfLe32, fsSeed } from "./checksums.ts";
import type { Run } from "./free-runs.ts";
import {
  BLOCK,
  BLOCKS_MAX,
  BLOCKS_PER_GROUP,
  descriptorBlocks,
  DESCRIPTORS_PER_BLOCK,
  groupCount,
  INODES_PER_BLOCK,
} from "./geometry.ts";
import { GroupWriter } from "./group-writer.ts";
import type { HashSeed } from "./htree-hash.ts";
import { InodeTables } from "./inode-tables.ts";
import { writeJournal } from "./journal-writer.ts";
import type { Placement } from "./placement.ts";
import { Ext4Sink } from "./sink.ts";
import {
  beyondReservation,
  choosePlacement,
  nominalBlocks,
  tooSmall,
  usableBlocks,
} from "./sizing.ts";
import { writeSuperblocks } from "./superblock-writer.ts";
import { TreeWriter } from "./tree-writer.ts";

/** How the image is to be. */
export interface Ext4Options extends FileSystemOptions {
  /**
   * Size of the image in bytes; `min`: as few as hold the contents; absent: a quarter more
   * than the contents, 256 MiB at least. Space without contents is a hole.
   */
  readonly sizeBytes?: number | "min";
  /** Whether the file system has a journal (wanted where it is mounted read-write). */
  readonly journal: boolean;
  /**
   * The 16 bytes of the file system's UUID. Must come from what the image is made of, for the
   * same input to give the same bytes; a function is asked when all file data have passed,
   * so that a digest taken of the stream can go into it. The hash seed of directories is
   * derived from it.
   */
  readonly uuid: Uint8Array | (() => Uint8Array);
  /**
   * Upper bound of the files' bytes, where it is known. Without `sizeBytes` it says how much
   * room to keep for group descriptors (else for 512 GiB, which costs `min` up to 250 KiB);
   * 8 GiB more than it is still accepted.
   */
  readonly expectedBytes?: number;
}

/** What was written. */
export interface Ext4Summary {
  /** Size of the image. */
  readonly sizeBytes: number;
  readonly blocks: number;
  readonly freeBlocks: number;
  readonly inodes: number;
  readonly freeInodes: number;
  readonly journalBlocks: number;
  readonly uuid: Uint8Array;
}

/** What may come, in blocks, when nobody says how much: 512 GiB. */
const UNKNOWN_CONTENT_BLOCKS = 64 * DESCRIPTORS_PER_BLOCK * BLOCKS_PER_GROUP;

/**
 * Begins an ext4 image in `storage`, which must be empty. Files' bytes go through the sink to
 * their final places; `finish` adds the tree. Throws IMAGE_TOO_SMALL as soon as a size asked
 * for does not suffice and IMAGE_LIMIT for what ext4 cannot hold; the storage is then of no use.
 */
export function createExt4(storage: Storage, options: Ext4Options): FileSystemWriter<Ext4Summary> {
  return new ImageWriter(storage, options);
}

class ImageWriter implements FileSystemWriter<Ext4Summary> {
  readonly sink: Ext4Sink;
  readonly #storage: Storage;
  readonly #options: Ext4Options;
  readonly #label: Uint8Array;
  readonly #allocator: Allocator;
  #isData = true;

  constructor(storage: Storage, options: Ext4Options) {
    this.#storage = storage;
    this.#options = options;
    this.#label = checkLabel(options.label ?? "");
    this.#allocator = new Allocator(bounds(options));
    // A size that the host refuses is refused before anything is read.
    if (typeof options.sizeBytes === "number") storage.setSize(options.sizeBytes);
    this.sink = new Ext4Sink(storage, () => this.#nextRun(), this.#allocator);
  }

  finish(tree: Tree): Ext4Summary {
    this.#endData(tree);
    const uuid = checkUuid(this.#options.uuid);
    const seed = fsSeed(uuid);
    const hashSeed = hashSeedOf(uuid);
    const { warn } = this.#options;
    const { sink } = this;
    const plan = new TreeWriter({ tree, sink, fsSeed: seed, hashSeed, warn }).write();
    sink.endRun();
    const placement = this.#place(plan.last);
    const storage = this.#storage;
    const tables = new InodeTables({ storage, tree, sink, plan, placement, fsSeed: seed });
    tables.write();
    const { directories } = tables;
    const groups = { storage, placement, fsSeed: seed, lastInode: plan.last, directories };
    const totals = new GroupWriter(groups).write();
    if (placement.journalBlocks > 0) writeJournal(storage, journalRun(placement), uuid);
    writeSuperblocks(storage, { placement, totals, uuid, hashSeed, label: this.#label });
    const { sizeBytes = placement.geometry.blocks * BLOCK } = this.#givenSize();
    storage.setSize(sizeBytes);
    const { freeBlocks, freeInodes } = totals;
    return { ...summaryOf(placement), freeBlocks, freeInodes, uuid, sizeBytes };
  }

  /** From here on the file system's own blocks are written, into any gap there is. */
  #endData(tree: Tree): void {
    this.sink.endRun();
    this.#allocator.endData();
    this.#isData = false;
    if (typeof this.#options.sizeBytes === "number") return;
    // A bound from above: an entry may take 264 bytes, an inode a directory, an attribute and an extent block.
    const { end, descriptorBlocks: planned } = this.#allocator;
    const inodes = tree.inodes.count;
    const own = Math.ceil(tree.nameCount / 12) + inodes * 3 + Math.ceil(inodes / INODES_PER_BLOCK);
    const bound = nominalBlocks(nominalBlocks(end + own));
    this.#allocator.shrinkDescriptors(Math.min(planned, descriptorBlocks(groupCount(bound))));
  }

  #nextRun(): Run {
    const run = this.#isData ? this.#allocator.dataRun() : this.#allocator.metadataRun();
    if (run) return run;
    const { sizeBytes, expectedBytes = 0 } = this.#options;
    if (typeof sizeBytes !== "number") throw beyondReservation(this.#allocator);
    const atLeast = Math.max(expectedBytes, this.#allocator.limit * BLOCK + 1);
    throw tooSmall(sizeBytes, `at least ${atLeast} bytes are needed`);
  }

  #place(inodes: number): Placement {
    const { sizeBytes, journal } = this.#options;
    return choosePlacement(this.#allocator, { sizeBytes, inodes, journal });
  }

  #givenSize(): { sizeBytes?: number } {
    const { sizeBytes } = this.#options;
    return typeof sizeBytes === "number" ? { sizeBytes } : {};
  }
}

/** How many blocks there may be, and room for the descriptors of so many. */
function bounds({ sizeBytes, expectedBytes }: Ext4Options): {
  descriptorBlocks: number;
  limit: number;
} {
  if (typeof sizeBytes === "number") {
    const blocks = checkSize(sizeBytes);
    return { descriptorBlocks: descriptorBlocks(groupCount(blocks)), limit: usableBlocks(blocks) };
  }
  const planned =
    expectedBytes === undefined
      ? UNKNOWN_CONTENT_BLOCKS
      : nominalBlocks(nominalBlocks(Math.ceil(expectedBytes / BLOCK)));
  // One more for what the file system itself adds: 8 GiB.
  const blocks = Math.min(BLOCKS_MAX, planned + DESCRIPTORS_PER_BLOCK * BLOCKS_PER_GROUP);
  const reserved = descriptorBlocks(groupCount(blocks));
  const limit = reserved * DESCRIPTORS_PER_BLOCK * BLOCKS_PER_GROUP;
  return { descriptorBlocks: reserved, limit: Math.min(BLOCKS_MAX, limit) };
}

function checkSize(sizeBytes: number): number {
  const blocks = Math.floor(sizeBytes / BLOCK);
  if (blocks > BLOCKS_MAX) {
    throw new WickError(
      "IMAGE_LIMIT",
      `Cannot make an image of ${sizeBytes} bytes: wick writes ext4 up to 16 TiB`,
    );
  }
  if (blocks > 2) return blocks;
  throw tooSmall(sizeBytes, `at least ${8 * BLOCK} bytes are needed`);
}

/** The seed of the directories' hash: four words that follow from the UUID. */
function hashSeedOf(uuid: Uint8Array): HashSeed {
  const word = (i: number): number => crc32c(crcOfLe32(0xffffffff, i), uuid);
  return [word(1), word(2), word(3), word(4)];
}

function journalRun({ journalStart, journalBlocks }: Placement): Run {
  return { start: journalStart, length: journalBlocks };
}

function summaryOf({ geometry, journalBlocks }: Placement): {
  blocks: number;
  inodes: number;
  journalBlocks: number;
} {
  const inodes = geometry.groups * geometry.inodesPerGroup;
  return { blocks: geometry.blocks, inodes, journalBlocks };
}
