import { WickError } from "../../errors/index.ts";
import type { Allocator } from "./allocator.ts";
import {
  BLOCK,
  BLOCKS_MAX,
  BLOCKS_PER_GROUP,
  blocksInGroup,
  descriptorBlocks,
  geometryOf,
  groupCount,
  INODES_PER_GROUP_MAX,
  INODE_RATIO,
  lastGroupLacks,
  type Geometry,
} from "./geometry.ts";
import { JBD2_MIN_JOURNAL_BLOCKS } from "./layout-journal.ts";
import { placeGroups, type Placement } from "./placement.ts";

/** Inodes beyond those in use that even the smallest image has. */
const SPARE_INODES = 16;
/** What an image without a given size has beyond its contents at least. */
const NOMINAL_SPARE_BLOCKS = (256 << 20) / BLOCK;
const NOMINAL_FACTOR = 1.25;

/** Journal sizes of mke2fs (figure_journal_size), up to the one that an extent surely holds. */
const JOURNAL_BLOCKS: readonly (readonly [below: number, blocks: number])[] = [
  [32768, JBD2_MIN_JOURNAL_BLOCKS],
  [256 * 1024, 4096],
  [512 * 1024, 8192],
  [Infinity, 16384],
];

/** Blocks of the journal for a file system of `blocks`. */
export function journalBlocksFor(blocks: number): number {
  return JOURNAL_BLOCKS.find(([below]) => blocks < below)![1];
}

/** Blocks of an image without a given size whose contents need `blocks`. */
export function nominalBlocks(blocks: number): number {
  const wanted = Math.max(Math.ceil(blocks * NOMINAL_FACTOR), blocks + NOMINAL_SPARE_BLOCKS);
  return Math.min(wanted, BLOCKS_MAX);
}

/** `blocks` less a last group that is too small for its own overhead (as mke2fs does). */
export function usableBlocks(blocks: number, inodes = 0): number {
  const geometry = roomyGeometry(blocks, inodes);
  if (lastGroupLacks(geometry) === 0) return blocks;
  return blocks - blocksInGroup(geometry, geometry.groups - 1);
}

/** As many inodes as mke2fs makes, `inodes` at least. */
function roomyGeometry(blocks: number, inodes: number): Geometry {
  const byRatio = Math.floor((blocks * BLOCK) / INODE_RATIO);
  return geometryOf(blocks, Math.max(byRatio, inodes));
}

/** What is to be placed. */
export interface SizingOptions {
  /** Bytes asked for, `min` for as few as possible, undefined for the usual room. */
  readonly sizeBytes: number | "min" | undefined;
  /** Inodes in use, the reserved ones included. */
  readonly inodes: number;
  readonly journal: boolean;
}

/** Decides how large the file system is and places the groups' own blocks in it. */
export function choosePlacement(allocator: Allocator, options: SizingOptions): Placement {
  const inodes = options.inodes + SPARE_INODES;
  const { sizeBytes, journal } = options;
  if (sizeBytes === "min") return smallest(allocator, inodes, journal);
  if (sizeBytes !== undefined) {
    const blocks = usableBlocks(Math.floor(sizeBytes / BLOCK), inodes);
    const placement = placeWithin(allocator, { blocks, inodes, journal });
    if (placement) return placement;
    const needed = smallest(allocator, inodes, journal).geometry.blocks * BLOCK;
    throw tooSmall(sizeBytes, `${needed} bytes are needed`);
  }
  const needed = smallest(allocator, inodes, journal).geometry.blocks;
  const nominal = nominalBlocks(needed);
  const blocks = nominal + lastGroupLacks(roomyGeometry(nominal, inodes));
  const placement = placeWithin(allocator, {
    blocks: Math.min(blocks, BLOCKS_MAX),
    inodes,
    journal,
  });
  if (placement) return placement;
  throw beyondReservation(allocator);
}

/** The error for a size asked for; `need` says how much it would take. */
export function tooSmall(sizeBytes: number, need: string): WickError {
  return new WickError(
    "IMAGE_TOO_SMALL",
    `Cannot fit the contents into an image of ${sizeBytes} bytes: ${need}`,
    { hint: "give a larger --size, or none" },
  );
}

/** The error for contents that outgrow what was set aside when nobody knew their size. */
export function beyondReservation({ descriptorBlocks }: Allocator): WickError {
  const bytes = descriptorBlocks * 64 * BLOCKS_PER_GROUP * BLOCK;
  return new WickError(
    "IMAGE_LIMIT",
    `Cannot lay out the image: its contents need more than the ${bytes} bytes that were planned for`,
    { hint: "give the image's size with --size" },
  );
}

/** Tries a fixed size: comfortable first, then with everything squeezed. */
function placeWithin(
  allocator: Allocator,
  { blocks, inodes, journal }: { blocks: number; inodes: number; journal: boolean },
): Placement | undefined {
  const roomy = roomyGeometry(blocks, inodes);
  const journalBlocks = journal ? journalBlocksFor(blocks) : 0;
  const least = journal ? JBD2_MIN_JOURNAL_BLOCKS : 0;
  return (
    placeGroups(allocator, roomy, { tight: false, journalBlocks }) ??
    placeGroups(allocator, roomy, { tight: true, journalBlocks }) ??
    placeGroups(allocator, geometryOf(blocks, inodes), { tight: true, journalBlocks: least })
  );
}

/** The fewest blocks that hold everything: grows until what is placed lies inside. */
function smallest(allocator: Allocator, inodes: number, journal: boolean): Placement {
  const journalBlocks = journal ? JBD2_MIN_JOURNAL_BLOCKS : 0;
  const leastGroups = Math.ceil(inodes / INODES_PER_GROUP_MAX);
  let blocks = Math.max(allocator.end, (leastGroups - 1) * BLOCKS_PER_GROUP + 1);
  for (;;) {
    blocks += lastGroupLacks(geometryOf(blocks, inodes));
    // Placed in all the room that these groups could have, it shows how much of it is needed.
    const full = groupCount(blocks) * BLOCKS_PER_GROUP;
    const options = { tight: true, journalBlocks };
    const tried = placeGroups(allocator, geometryOf(full, inodes), options);
    const wanted = Math.max(blocks, tried?.allocator.end ?? full + 1);
    const placement = tried && placeGroups(allocator, geometryOf(wanted, inodes), options);
    if (placement) return placement;
    if (descriptorBlocks(groupCount(wanted)) > allocator.descriptorBlocks || wanted > BLOCKS_MAX) {
      throw beyondReservation(allocator);
    }
    blocks = wanted;
  }
}
