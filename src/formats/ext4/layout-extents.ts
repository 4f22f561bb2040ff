import { le16, le32, struct } from "../../bytes/index.ts";

/**
 * Extent trees (fs/ext4/ext4_extents.h): a header, then entries of 12 bytes each. The root
 * lies in the inode's i_block (4 entries), every other node fills a block and ends with a
 * checksum after its last possible entry.
 */

export const EXT4_EXT_MAGIC = 0xf30a;

/** Entries in the inode's root. */
export const ROOT_EXTENTS = 4;

/** Longest extent in blocks; ee_len above it marks an unwritten one of ee_len − 32768. */
export const EXT_INIT_MAX_LEN = 32768;

/** struct ext4_extent_header. */
export const extentHeader = struct("ext4_extent_header", 12, [
  [0x0, "eh_magic", le16],
  [0x2, "eh_entries", le16],
  [0x4, "eh_max", le16],
  [0x6, "eh_depth", le16], // 0 = the entries are extents
  [0x8, "eh_generation", le32],
]);

/** struct ext4_extent: a run of blocks. */
export const extent = struct("ext4_extent", 12, [
  [0x0, "ee_block", le32], // first logical block
  [0x4, "ee_len", le16],
  [0x6, "ee_start_hi", le16],
  [0x8, "ee_start_lo", le32],
]);

/** struct ext4_extent_idx: a node below. */
export const extentIndex = struct("ext4_extent_idx", 12, [
  [0x0, "ei_block", le32],
  [0x4, "ei_leaf_lo", le32],
  [0x8, "ei_leaf_hi", le16],
  [0xa, "ei_unused", le16],
]);

/** struct ext4_extent_tail: crc32c(inode seed, block up to here). */
export const extentTail = struct("ext4_extent_tail", 4, [[0x0, "et_checksum", le32]]);
