/** The one shape of file system that wick writes: sizes in it, and which groups hold what. */

/** Bytes of a block. */
export const BLOCK = 4096;
/** Blocks of a group: as many as one block's bits (s_blocks_per_group). */
export const BLOCKS_PER_GROUP = BLOCK * 8;
/** Bytes of an inode (s_inode_size). */
export const INODE_SIZE = 256;
/** Inodes of one block of an inode table. */
export const INODES_PER_BLOCK = BLOCK / INODE_SIZE;
/** Most inodes of a group: one bitmap block's bits. */
export const INODES_PER_GROUP_MAX = BLOCK * 8;
/** Bytes of a group descriptor (s_desc_size). */
export const DESCRIPTOR_SIZE = 64;
/** Group descriptors of one block. */
export const DESCRIPTORS_PER_BLOCK = BLOCK / DESCRIPTOR_SIZE;
/** s_log_groups_per_flex: 16 groups keep their bitmaps and tables together. */
export const LOG_GROUPS_PER_FLEX = 4;
/** Most blocks of an image: 16 TiB, all that 32 bits number. */
export const BLOCKS_MAX = 2 ** 32;
/** One inode for so many bytes of the file system (mke2fs.conf's inode_ratio). */
export const INODE_RATIO = 16384;
/** A last group with fewer blocks than its overhead and this is left out (as ext2fs_initialize). */
export const LAST_GROUP_SPARE = 50;

/** How many groups `blocks` make. */
export function groupCount(blocks: number): number {
  return Math.ceil(blocks / BLOCKS_PER_GROUP);
}

/** How many blocks the descriptors of `groups` groups fill. */
export function descriptorBlocks(groups: number): number {
  return Math.ceil(groups / DESCRIPTORS_PER_BLOCK);
}

/** Groups that begin with a copy of superblock and descriptors (sparse_super): 0, 1, 3ⁿ, 5ⁿ, 7ⁿ. */
const SUPERBLOCK_GROUPS: readonly number[] = [
  0,
  1,
  ...[3, 5, 7].flatMap((base) => {
    const most = BLOCKS_MAX / BLOCKS_PER_GROUP;
    const count = Math.floor(Math.log(most) / Math.log(base) + 1e-9) + 1; // one beyond the end
    return Array.from({ length: count }, (_, i) => base ** (i + 1));
  }),
].sort((a, b) => a - b);
const isSuperblockGroup: ReadonlySet<number> = new Set(SUPERBLOCK_GROUPS);

/** Whether `group` begins with a copy of superblock and descriptors. */
export function hasSuperblock(group: number): boolean {
  return isSuperblockGroup.has(group);
}

/** The next group from `group` on that has a superblock; it may lie beyond all there are. */
export function nextSuperblockGroup(group: number): number {
  return SUPERBLOCK_GROUPS.find((candidate) => candidate >= group) ?? Infinity;
}

/** What fixes where everything about the groups lies. */
export interface Geometry {
  readonly blocks: number;
  readonly groups: number;
  readonly descriptorBlocks: number;
  readonly inodesPerGroup: number;
}

/** The geometry of `blocks` blocks with room for `inodes` inodes at least. */
export function geometryOf(blocks: number, inodes: number): Geometry {
  const groups = groupCount(blocks);
  const inodesPerGroup = Math.ceil(inodes / groups / INODES_PER_BLOCK) * INODES_PER_BLOCK;
  return { blocks, groups, descriptorBlocks: descriptorBlocks(groups), inodesPerGroup };
}

/** Blocks of one group's inode table. */
export function tableBlocks(geometry: Geometry): number {
  return geometry.inodesPerGroup / INODES_PER_BLOCK;
}

/** How many blocks `group` has; the last one may be short. */
export function blocksInGroup(geometry: Geometry, group: number): number {
  return Math.min(BLOCKS_PER_GROUP, geometry.blocks - group * BLOCKS_PER_GROUP);
}

/** Blocks of superblock and descriptors at `group`'s start. */
export function baseBlocks(geometry: Geometry, group: number): number {
  return hasSuperblock(group) ? 1 + geometry.descriptorBlocks : 0;
}

/** What a group needs at least to be worth having: its base, two bitmaps, its inode table. */
function overhead(geometry: Geometry, group: number): number {
  return baseBlocks(geometry, group) + 2 + tableBlocks(geometry);
}

/** How many blocks the last group lacks to be kept; 0 when it is large enough, or the only one. */
export function lastGroupLacks(geometry: Geometry): number {
  const last = geometry.groups - 1;
  if (last === 0) return 0;
  const wanted = Math.min(overhead(geometry, last) + LAST_GROUP_SPARE, BLOCKS_PER_GROUP);
  return Math.max(0, wanted - blocksInGroup(geometry, last));
}
