import { le16, le32, le64, raw, struct, u8 } from "../../bytes/index.ts";

/**
 * EROFS as it lies on disk. Names are the kernel's (fs/erofs/erofs_fs.h); everything is
 * little-endian. As wick writes it, uncompressed, in blocks of 4096 bytes:
 *
 *     block 0      1024 unused bytes, the superblock, the root's inode
 *     block 1 …    files' whole blocks as they come, each file in one piece; between them
 *                  blocks of inodes, each followed by its attributes and what is left of its
 *                  contents behind the last whole block; directories' whole blocks
 *
 * An inode is found by its nid, its offset in units of 32 bytes: there are no tables.
 */

export const EROFS_BLOCK_BITS = 12;
export const BLOCK = 1 << EROFS_BLOCK_BITS;
/** Byte at which the superblock starts. */
export const SUPERBLOCK_OFFSET = 1024;
export const EROFS_SUPER_MAGIC_V1 = 0xe0f5e1e2;
/** Bytes of one nid. */
export const SLOT = 32;

/** struct erofs_super_block. */
export const superblock = struct("erofs_super_block", 128, [
  [0x00, "magic", le32], // 0xe0f5e1e2
  [0x04, "checksum", le32], // crc32c from here to the block's end, with 0 here
  [0x08, "feature_compat", le32],
  [0x0c, "blkszbits", u8], // block size = 2^this
  [0x0d, "sb_extslots", u8], // superblock size = 128 + this * 16
  [0x0e, "root_nid", le16],
  [0x10, "inos", le64], // inodes in use
  [0x18, "build_time", le64], // mtime of compact inodes
  [0x20, "build_time_nsec", le32],
  [0x24, "blocks", le32],
  [0x28, "meta_blkaddr", le32], // nids count from here
  [0x2c, "xattr_blkaddr", le32], // shared attributes count from here
  [0x30, "uuid", raw(16)],
  [0x40, "volume_name", raw(16)],
  [0x50, "feature_incompat", le32],
  [0x54, "available_compr_algs", le16], // lz4_max_distance without COMPR_CFGS
  [0x56, "extra_devices", le16],
  [0x58, "devt_slotoff", le16],
  [0x5a, "dirblkbits", u8], // directory block size = block size << this
  [0x5b, "xattr_prefix_count", u8],
  [0x5c, "xattr_prefix_start", le32],
  [0x60, "packed_nid", le64],
  [0x68, "xattr_filter_reserved", u8],
  [0x69, "reserved2", raw(23)],
]);

/** struct erofs_inode_extended. */
export const inodeExtended = struct("erofs_inode_extended", 64, [
  [0x00, "i_format", le16], // bit 0: extended; bits 1 to 3: data layout
  [0x02, "i_xattr_icount", le16], // 0, or units of 4 bytes behind the attributes' header, and 1
  [0x04, "i_mode", le16],
  [0x06, "i_nb", le16], // reserved without 48BIT
  [0x08, "i_size", le64],
  [0x10, "i_u", le32], // first block, chunk format, device or blocks of compressed data
  [0x14, "i_ino", le32], // for 32-bit stat only
  [0x18, "i_uid", le32],
  [0x1c, "i_gid", le32],
  [0x20, "i_mtime", le64], // signed
  [0x28, "i_mtime_nsec", le32],
  [0x2c, "i_nlink", le32],
  [0x30, "i_reserved2", raw(16)],
]);

/** struct erofs_inode_compact: what wick reads and does not write. */
export const inodeCompact = struct("erofs_inode_compact", 32, [
  [0x00, "i_format", le16],
  [0x02, "i_xattr_icount", le16],
  [0x04, "i_mode", le16],
  [0x06, "i_nlink", le16],
  [0x08, "i_size", le32],
  [0x0c, "i_reserved", le32],
  [0x10, "i_u", le32],
  [0x14, "i_ino", le32],
  [0x18, "i_uid", le16],
  [0x1a, "i_gid", le16],
  [0x1c, "i_reserved2", le32],
]);

/** struct erofs_xattr_ibody_header, in front of an inode's attributes. */
export const xattrHeader = struct("erofs_xattr_ibody_header", 12, [
  [0x0, "h_name_filter", le32], // reserved without XATTR_FILTER
  [0x4, "h_shared_count", u8], // so many le32 numbers of shared attributes follow
  [0x5, "h_reserved2", raw(7)],
]);

/** struct erofs_xattr_entry; name and value follow, padded to 4 bytes together. */
export const xattrEntry = struct("erofs_xattr_entry", 4, [
  [0x0, "e_name_len", u8],
  [0x1, "e_name_index", u8],
  [0x2, "e_value_size", le16],
]);

/** struct erofs_dirent: all of a block's lie in front, their names behind them. */
export const dirent = struct("erofs_dirent", 12, [
  [0x0, "nid", le64],
  [0x8, "nameoff", le16], // from the block's start; the first one tells how many entries there are
  [0xa, "file_type", u8],
  [0xb, "reserved", u8],
]);

/** struct erofs_inode_chunk_index, where a chunk is more than a block number. */
export const chunkIndex = struct("erofs_inode_chunk_index", 8, [
  [0x0, "advise", le16],
  [0x2, "device_id", le16], // 0 = this image
  [0x4, "blkaddr", le32],
]);
