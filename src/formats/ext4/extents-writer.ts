import { crc32c } from "../../bytes/index.ts";
import type { FileRun } from "./file-extents.ts";
import { BLOCK } from "./geometry.ts";
import { I_BLOCK_BYTES } from "./layout.ts";
import {
  EXT4_EXT_MAGIC,
  EXT_INIT_MAX_LEN,
  extent,
  extentHeader,
  extentIndex,
  extentTail,
  ROOT_EXTENTS,
} from "./layout-extents.ts";

/** Entries of a node that fills a block. */
export const NODE_EXTENTS = Math.floor(
  (BLOCK - extentHeader.sizeBytes - extentTail.sizeBytes) / extent.sizeBytes,
);

/** A node of the tree below its parent: its first logical block, and where it lies. */
interface Child {
  readonly logical: number;
  readonly block: number;
}

/** `runs` with those that are too long for one extent cut up. */
export function splitRuns(runs: readonly FileRun[]): FileRun[] {
  const extents: FileRun[] = [];
  for (const run of runs) {
    for (let done = 0; done < run.length; done += EXT_INIT_MAX_LEN) {
      const length = Math.min(EXT_INIT_MAX_LEN, run.length - done);
      extents.push({ logical: run.logical + done, start: run.start + done, length });
    }
  }
  return extents;
}

/** The extent tree of one file. */
export interface ExtentTree {
  /** The inode's i_block. */
  readonly root: Uint8Array;
  /** How many blocks lie between root and extents. */
  readonly nodeBlocks: number;
}

/** The i_block of a file with few runs: at most {@link ROOT_EXTENTS} extents. */
export function extentRoot(runs: readonly FileRun[]): Uint8Array {
  const root = new Uint8Array(I_BLOCK_BYTES);
  writeNode(root, { depth: 0, max: ROOT_EXTENTS, extents: splitRuns(runs) });
  return root;
}

/**
 * Builds the tree of runs that are too many for the root: nodes of one block each, which `put`
 * stores (it returns their number), on as many levels as it takes.
 */
export function buildExtentTree(
  runs: readonly FileRun[],
  inodeSeed: number,
  put: (block: Uint8Array) => number,
): ExtentTree {
  const extents = splitRuns(runs);
  let nodeBlocks = 0;
  const putNode = (content: NodeContent, logical: number): Child => {
    const block = new Uint8Array(BLOCK);
    writeNode(block, content);
    sealNode(block, inodeSeed);
    nodeBlocks++;
    return { logical, block: put(block) };
  };
  let children = chunks(extents).map((part) =>
    putNode({ depth: 0, max: NODE_EXTENTS, extents: part }, part[0]!.logical),
  );
  let depth = 1;
  for (; children.length > ROOT_EXTENTS; depth++) {
    const level = depth;
    children = chunks(children).map((part) =>
      putNode({ depth: level, max: NODE_EXTENTS, children: part }, part[0]!.logical),
    );
  }
  const root = new Uint8Array(I_BLOCK_BYTES);
  writeNode(root, { depth, max: ROOT_EXTENTS, children });
  return { root, nodeBlocks };
}

function chunks<T>(items: readonly T[]): T[][] {
  const count = Math.ceil(items.length / NODE_EXTENTS);
  return Array.from({ length: count }, (_, i) =>
    items.slice(i * NODE_EXTENTS, (i + 1) * NODE_EXTENTS),
  );
}

interface NodeContent {
  readonly depth: number;
  readonly max: number;
  readonly extents?: readonly FileRun[];
  readonly children?: readonly Child[];
}

function writeNode(
  target: Uint8Array,
  { depth, max, extents = [], children = [] }: NodeContent,
): void {
  const header = {
    eh_magic: EXT4_EXT_MAGIC,
    eh_entries: extents.length + children.length,
    eh_max: max,
    eh_depth: depth,
  };
  extentHeader.write(target, header);
  let at = extentHeader.sizeBytes;
  // ee_start_hi and ei_leaf_hi stay 0: block numbers have 32 bits up to 16 TiB
  for (const { logical, start, length } of extents) {
    extent.write(target, { ee_block: logical, ee_len: length, ee_start_lo: start }, at);
    at += extent.sizeBytes;
  }
  for (const { logical, block } of children) {
    extentIndex.write(target, { ei_block: logical, ei_leaf_lo: block }, at);
    at += extentIndex.sizeBytes;
  }
}

function sealNode(block: Uint8Array, inodeSeed: number): void {
  const end = extentHeader.sizeBytes + NODE_EXTENTS * extent.sizeBytes;
  extentTail.write(block, { et_checksum: crc32c(inodeSeed, block, 0, end) }, end);
}
