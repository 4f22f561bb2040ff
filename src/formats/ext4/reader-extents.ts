import { crc32c } from "../../bytes/index.ts";
import {
  EXT4_EXT_MAGIC,
  EXT_INIT_MAX_LEN,
  extent,
  extentHeader,
  extentIndex,
  ROOT_EXTENTS,
} from "./layout-extents.ts";
import { EXTENT_DEPTH_MAX } from "./layout-flags.ts";
import type { Ext4Inode } from "./reader-inodes.ts";
import type { BlockMap, Run } from "./reader-runs.ts";
import type { Volume } from "./reader-volume.ts";

const ENTRY_BYTES = extent.sizeBytes;
const LOGICAL_END = 2 ** 32;

/** An entry of a node: from `logical` on, `length` blocks at `physical`, or the node there. */
interface Entry {
  readonly logical: number;
  readonly length: number;
  readonly physical: number;
  readonly unwritten: boolean;
}

interface Node {
  readonly entries: readonly Entry[];
  readonly depth: number;
  /** The logical blocks that it speaks for. */
  readonly start: number;
  readonly end: number;
}

/**
 * A file's extent tree. Every step goes one level down, as each node's depth must say, so
 * that even a tree that points to itself ends after five.
 */
export class ExtentMap implements BlockMap {
  readonly #volume: Volume;
  readonly #inode: Ext4Inode;
  readonly #root: Node;
  /** The leaf found last: files are mostly read from start to end. */
  #leaf: Node | undefined;

  constructor(volume: Volume, inode: Ext4Inode) {
    this.#volume = volume;
    this.#inode = inode;
    const depth = extentHeader.read(inode.raw.i_block).eh_depth;
    if (depth > EXTENT_DEPTH_MAX) throw this.#invalid(`a depth of ${depth}`);
    const range = { start: 0, end: LOGICAL_END, depth };
    this.#root = this.#parse(inode.raw.i_block, ROOT_EXTENTS, range);
  }

  find(logical: number): Run {
    const leaf = this.#leafOf(logical);
    if (leaf.depth > 0) return { logical, length: leaf.end - logical, physical: undefined };
    const index = lastUpTo(leaf.entries, logical);
    const entry = leaf.entries[index];
    const next = leaf.entries[index + 1]?.logical ?? leaf.end;
    const within = entry === undefined ? 0 : logical - entry.logical;
    if (entry === undefined || within >= entry.length) {
      return { logical, length: next - logical, physical: undefined };
    }
    const physical = entry.unwritten ? undefined : entry.physical + within;
    return { logical, length: entry.length - within, physical };
  }

  /** The leaf that speaks for `logical`; a node of depth > 0 stands for a hole up to its end. */
  #leafOf(logical: number): Node {
    const last = this.#leaf;
    if (last !== undefined && logical >= last.start && logical < last.end) return last;
    let node = this.#root;
    while (node.depth > 0) {
      const index = lastUpTo(node.entries, logical);
      const end = node.entries[index + 1]?.logical ?? node.end;
      const entry = node.entries[index];
      if (entry === undefined) return { ...node, end };
      node = this.#child(entry, { start: entry.logical, end, depth: node.depth - 1 });
    }
    this.#leaf = node;
    return node;
  }

  #child(entry: Entry, range: Omit<Node, "entries">): Node {
    const { blockSize } = this.#volume.geometry;
    const block = this.#volume.block(entry.physical, `an extent node of inode ${this.#inode.ino}`);
    const capacity = Math.floor((blockSize - extentHeader.sizeBytes) / ENTRY_BYTES);
    this.#checkSum(block);
    return this.#parse(block, capacity, range);
  }

  #checkSum(block: Uint8Array): void {
    const { seed } = this.#inode;
    if (seed === undefined) return;
    const end = extentHeader.sizeBytes + extentHeader.read(block).eh_max * ENTRY_BYTES;
    const view = new DataView(block.buffer, block.byteOffset, block.length);
    if (end + 4 <= block.length && crc32c(seed, block, 0, end) === view.getUint32(end, true))
      return;
    throw this.#invalid("a node's checksum is wrong");
  }

  #parse(bytes: Uint8Array, capacity: number, range: Omit<Node, "entries">): Node {
    const header = extentHeader.read(bytes);
    const { eh_entries: count, eh_max: most } = header;
    if (header.eh_magic !== EXT4_EXT_MAGIC || header.eh_depth !== range.depth) {
      throw this.#invalid("a node is not what its parent says");
    }
    if (count > most || most > capacity || (count === 0 && range.depth > 0)) {
      throw this.#invalid(`a node with ${count} of ${most} entries, wanted up to ${capacity}`);
    }
    const read = range.depth > 0 ? readIndex : readExtent;
    const entries = Array.from({ length: count }, (_, i) =>
      read(bytes, extentHeader.sizeBytes + i * ENTRY_BYTES),
    );
    this.#checkOrder(entries, range);
    return { entries, ...range };
  }

  #checkOrder(entries: readonly Entry[], range: Omit<Node, "entries">): void {
    let end = range.start;
    for (const entry of entries) {
      if (entry.logical < end || entry.length === 0) throw this.#invalid("extents out of order");
      end = entry.logical + entry.length;
      if (range.depth === 0) {
        this.#volume.checkBlocks(entry.physical, entry.length, `inode ${this.#inode.ino}`);
      }
    }
    if (end > range.end) throw this.#invalid("extents beyond their node's range");
  }

  #invalid(is: string): Error {
    return this.#volume.invalid(`the extents of inode ${this.#inode.ino}: ${is}`);
  }
}

function readExtent(bytes: Uint8Array, offset: number): Entry {
  const raw = extent.read(bytes, offset);
  const unwritten = raw.ee_len > EXT_INIT_MAX_LEN;
  return {
    logical: raw.ee_block,
    length: unwritten ? raw.ee_len - EXT_INIT_MAX_LEN : raw.ee_len,
    physical: raw.ee_start_lo + raw.ee_start_hi * 2 ** 32,
    unwritten,
  };
}

function readIndex(bytes: Uint8Array, offset: number): Entry {
  const raw = extentIndex.read(bytes, offset);
  const physical = raw.ei_leaf_lo + raw.ei_leaf_hi * 2 ** 32;
  return { logical: raw.ei_block, length: 1, physical, unwritten: false };
}

/** Index of the last entry that begins at or before `logical`; -1 when all begin behind it. */
function lastUpTo(entries: readonly Entry[], logical: number): number {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (entries[middle]!.logical <= logical) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
