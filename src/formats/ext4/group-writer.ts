import { crc32c, type WritableStorage } from "../../bytes/index.ts";
import { crcOfLe32 } from "./checksums.ts";
import type { Run } from "./free-runs.ts";
import { baseBlocks, BLOCK, BLOCKS_PER_GROUP, blocksInGroup, DESCRIPTOR_SIZE } from "./geometry.ts";
import { groupDescriptor, type GroupDescriptor } from "./layout.ts";
import { BG } from "./layout-flags.ts";
import type { Placement } from "./placement.ts";

/** What the descriptors and the superblock say about use. */
export interface GroupTotals {
  /** All descriptors, whole blocks. */
  readonly descriptors: Uint8Array;
  readonly freeBlocks: number;
  readonly freeInodes: number;
}

/** What is needed to describe the groups. */
export interface GroupWriterOptions {
  readonly storage: WritableStorage;
  readonly placement: Placement;
  readonly fsSeed: number;
  /** Inodes in use: numbers 1 to this. */
  readonly lastInode: number;
  /** Directories of each group. */
  readonly directories: Uint32Array;
}

/** Writes the bitmaps of all groups that are in use and builds the descriptors of all. */
export class GroupWriter {
  readonly #options: GroupWriterOptions;
  readonly #bitmap = new Uint8Array(BLOCK);
  readonly #free: Iterator<Run>;
  /** The free run that reaches into the group at hand or lies after it. */
  #run: Run | undefined;

  constructor(options: GroupWriterOptions) {
    this.#options = options;
    this.#free = options.placement.allocator.free[Symbol.iterator]();
    this.#nextRun();
  }

  write(): GroupTotals {
    const { geometry } = this.#options.placement;
    const descriptors = new Uint8Array(geometry.descriptorBlocks * BLOCK);
    let freeBlocks = 0;
    let freeInodes = 0;
    for (let group = 0; group < geometry.groups; group++) {
      const blocks = this.#blocks(group);
      const inodes = this.#inodes(group);
      freeBlocks += blocks.free;
      freeInodes += inodes.free;
      const fields = { ...this.#places(group), ...blocks.fields, ...inodes.fields };
      const flags = BG.INODE_ZEROED | blocks.flags | inodes.flags;
      this.#describe(descriptors, group, { ...fields, bg_flags: flags });
    }
    return { descriptors, freeBlocks, freeInodes };
  }

  /** Fills in one descriptor and its checksum. */
  #describe(descriptors: Uint8Array, group: number, fields: Partial<GroupDescriptor>): void {
    const at = group * DESCRIPTOR_SIZE;
    groupDescriptor.write(descriptors, fields, at);
    const seed = crcOfLe32(this.#options.fsSeed, group);
    const checksum = crc32c(seed, descriptors, at, at + DESCRIPTOR_SIZE) & 0xffff;
    const view = new DataView(descriptors.buffer, at, DESCRIPTOR_SIZE);
    view.setUint16(groupDescriptor.offsets.bg_checksum, checksum, true);
  }

  #places(group: number): Partial<GroupDescriptor> {
    const { blockBitmaps, inodeBitmaps, tables } = this.#options.placement;
    // The high halves stay 0: block numbers have 32 bits up to 16 TiB.
    return {
      bg_block_bitmap_lo: blockBitmaps[group]!,
      bg_inode_bitmap_lo: inodeBitmaps[group]!,
      bg_inode_table_lo: tables[group]!,
      bg_used_dirs_count_lo: this.#options.directories[group]!,
    };
  }

  /** Block bitmap of a group; left to the kernel when only superblock and descriptors are in it. */
  #blocks(group: number): GroupPart {
    const { geometry, blockBitmaps } = this.#options.placement;
    const free = this.#fillBlockBitmap(group);
    const untouched = blocksInGroup(geometry, group) - baseBlocks(geometry, group);
    const isLast = group === geometry.groups - 1;
    if (free === untouched && group !== 0 && !isLast) {
      return { free, flags: BG.BLOCK_UNINIT, fields: { bg_free_blocks_count_lo: free } };
    }
    const crc = this.#putBitmap(blockBitmaps[group]!, BLOCK);
    const fields = {
      bg_free_blocks_count_lo: free,
      bg_block_bitmap_csum_lo: crc & 0xffff,
      bg_block_bitmap_csum_hi: crc >>> 16,
    };
    return { free, flags: 0, fields };
  }

  /** Inode bitmap of a group: its first inodes are in use, and bits beyond its last one are set. */
  #inodes(group: number): GroupPart {
    const { geometry, inodeBitmaps } = this.#options.placement;
    const { inodesPerGroup } = geometry;
    const before = group * inodesPerGroup;
    const used = Math.min(inodesPerGroup, Math.max(0, this.#options.lastInode - before));
    const free = inodesPerGroup - used;
    const fields = { bg_free_inodes_count_lo: free, bg_itable_unused_lo: free };
    if (used === 0) return { free, flags: BG.INODE_UNINIT, fields };
    this.#bitmap.fill(0xff);
    clearBits(this.#bitmap, used, inodesPerGroup);
    const crc = this.#putBitmap(inodeBitmaps[group]!, inodesPerGroup / 8);
    const checksums = {
      bg_inode_bitmap_csum_lo: crc & 0xffff,
      bg_inode_bitmap_csum_hi: crc >>> 16,
    };
    return { free, flags: 0, fields: { ...fields, ...checksums } };
  }

  /** Writes the bitmap; returns the checksum of its first `bytes`. */
  #putBitmap(block: number, bytes: number): number {
    const { storage, fsSeed } = this.#options;
    storage.writeAt(this.#bitmap, block * BLOCK);
    return crc32c(fsSeed, this.#bitmap, 0, bytes);
  }

  /** Sets the bits of all used blocks of `group` and of those beyond its end; returns the free ones. */
  #fillBlockBitmap(group: number): number {
    const { geometry, allocator } = this.#options.placement;
    const start = group * BLOCKS_PER_GROUP;
    const end = start + blocksInGroup(geometry, group);
    this.#bitmap.fill(0xff);
    // Never handed out: free but for the group's base.
    let free = this.#clear(
      start,
      Math.max(allocator.end, start + baseBlocks(geometry, group)),
      end,
    );
    while (this.#run && this.#run.start < end) {
      const runEnd = this.#run.start + this.#run.length;
      free += this.#clear(start, this.#run.start, Math.min(runEnd, end));
      if (runEnd > end) break;
      this.#nextRun();
    }
    return free;
  }

  /** Marks blocks `from` … `to` − 1 of the group that starts at `start` as free; returns how many. */
  #clear(start: number, from: number, to: number): number {
    const first = Math.max(start, from);
    if (first >= to) return 0;
    clearBits(this.#bitmap, first - start, to - start);
    return to - first;
  }

  #nextRun(): void {
    const next = this.#free.next();
    this.#run = next.done === true ? undefined : next.value;
  }
}

interface GroupPart {
  readonly free: number;
  readonly flags: number;
  readonly fields: Partial<GroupDescriptor>;
}

/** Clears bits `from` … `to` − 1, the lowest bit of a byte first. */
function clearBits(bitmap: Uint8Array, from: number, to: number): void {
  let bit = from;
  for (; bit < to && bit % 8 !== 0; bit++) bitmap[bit >>> 3]! &= ~(1 << (bit & 7));
  const wholeBytes = (to - bit) >>> 3;
  bitmap.fill(0, bit >>> 3, (bit >>> 3) + wholeBytes);
  for (bit += wholeBytes * 8; bit < to; bit++) bitmap[bit >>> 3]! &= ~(1 << (bit & 7));
}
