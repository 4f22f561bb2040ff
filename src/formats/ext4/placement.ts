import type { Allocator } from "./allocator.ts";
import {
  BLOCKS_PER_GROUP,
  INODES_PER_GROUP_MAX,
  LOG_GROUPS_PER_FLEX,
  tableBlocks,
  type Geometry,
} from "./geometry.ts";

/** Groups that keep their bitmaps and tables together. */
const FLEX = 1 << LOG_GROUPS_PER_FLEX;

/** How to place the groups' own blocks. */
export interface PlacementOptions {
  /** Into the gaps between data first (true), or behind the data where they cost nothing. */
  readonly tight: boolean;
  /** Blocks of the journal, 0 = none. */
  readonly journalBlocks: number;
}

/** Where everything lies that belongs to no file. */
export interface Placement {
  readonly geometry: Geometry;
  /** What is used and what is free, all of this included. */
  readonly allocator: Allocator;
  /** First block of the journal; 0 = none. */
  readonly journalStart: number;
  readonly journalBlocks: number;
  readonly blockBitmaps: Uint32Array;
  readonly inodeBitmaps: Uint32Array;
  readonly tables: Uint32Array;
  /** 1 where the table's blocks were never used before and read as zeros. */
  readonly tableIsNew: Uint8Array;
}

/**
 * Finds places for journal, bitmaps and inode tables in a file system of the given geometry,
 * without changing `allocator`. Undefined when they do not fit.
 */
export function placeGroups(
  allocator: Allocator,
  geometry: Geometry,
  { tight, journalBlocks }: PlacementOptions,
): Placement | undefined {
  if (geometry.inodesPerGroup > INODES_PER_GROUP_MAX) return undefined;
  if (geometry.descriptorBlocks > allocator.descriptorBlocks) return undefined;
  if (geometry.blocks < allocator.end) return undefined;
  const copy = allocator.clone();
  copy.limit = geometry.blocks;
  copy.shrinkDescriptors(geometry.descriptorBlocks);
  const journalStart = journalBlocks === 0 ? 0 : copy.takeNew(journalBlocks);
  if (journalStart === undefined) return undefined;
  const placed = { geometry, allocator: copy, journalStart, journalBlocks, ...columns(geometry) };
  return placeAll(placed, tight) ? placed : undefined;
}

function columns(geometry: Geometry): {
  blockBitmaps: Uint32Array;
  inodeBitmaps: Uint32Array;
  tables: Uint32Array;
  tableIsNew: Uint8Array;
} {
  return {
    blockBitmaps: new Uint32Array(geometry.groups),
    inodeBitmaps: new Uint32Array(geometry.groups),
    tables: new Uint32Array(geometry.groups),
    tableIsNew: new Uint8Array(geometry.groups),
  };
}

/** Places group by group, sixteen together; false when there is no room. */
function placeAll(placed: Placement, tight: boolean): boolean {
  const { geometry, allocator } = placed;
  for (let first = 0; first < geometry.groups; first += FLEX) {
    const end = Math.min(first + FLEX, geometry.groups);
    // Sixteen groups beyond all data keep to themselves, as mke2fs has it.
    const from = tight ? 0 : first * BLOCKS_PER_GROUP;
    const take = (length: number): { start: number; isNew: boolean } | undefined => {
      const free = tight ? allocator.takeFree(length) : undefined;
      if (free !== undefined) return { start: free, isNew: false };
      const start = allocator.takeNew(length, from);
      return start === undefined ? undefined : { start, isNew: true };
    };
    for (const bitmaps of [placed.blockBitmaps, placed.inodeBitmaps]) {
      for (let group = first; group < end; group++) {
        const taken = take(1);
        if (!taken) return false;
        bitmaps[group] = taken.start;
      }
    }
    for (let group = first; group < end; group++) {
      const taken = take(tableBlocks(geometry));
      if (!taken) return false;
      placed.tables[group] = taken.start;
      placed.tableIsNew[group] = taken.isNew ? 1 : 0;
    }
  }
  return true;
}
