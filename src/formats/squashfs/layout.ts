import { le16, le32, le64, struct } from "../../bytes/index.ts";

/** squashfs 4.0: what wick looks at and sets right; its tools do the rest. */

/** s_magic: "hsqs". */
export const SQUASHFS_MAGIC = 0x73717368;

/** struct squashfs_super_block (fs/squashfs/squashfs_fs.h), at byte 0, little-endian. */
export const superblock = struct("squashfs_super_block", 96, [
  [0x00, "s_magic", le32],
  [0x04, "inodes", le32],
  [0x08, "mkfs_time", le32],
  [0x0c, "block_size", le32],
  [0x10, "fragments", le32],
  [0x14, "compression", le16],
  [0x16, "block_log", le16],
  [0x18, "flags", le16],
  [0x1a, "no_ids", le16],
  [0x1c, "s_major", le16], // 4
  [0x1e, "s_minor", le16], // 0
  [0x20, "root_inode", le64],
  [0x28, "bytes_used", le64],
  [0x30, "id_table_start", le64],
  [0x38, "xattr_id_table_start", le64],
  [0x40, "inode_table_start", le64],
  [0x48, "directory_table_start", le64],
  [0x50, "fragment_table_start", le64],
  [0x58, "lookup_table_start", le64],
]);

/** struct squashfs_base_inode: how every inode begins. */
export const baseInode = struct("squashfs_base_inode", 16, [
  [0x0, "inode_type", le16],
  [0x2, "mode", le16],
  [0x4, "uid", le16], // an index of the id table
  [0x6, "guid", le16],
  [0x8, "mtime", le32],
  [0xc, "inode_number", le32],
]);

/** inode_type of a directory, short and long. */
export const DIRECTORY_TYPES: readonly number[] = [1, 8];

/** Begins a block of metadata: its length, and this bit where it is not compressed. */
export const UNCOMPRESSED = 0x8000;

/** Values of `compression`, in mksquashfs's words. */
export const COMPRESSIONS: readonly (string | undefined)[] = [
  undefined,
  "gzip",
  "lzma",
  "lzo",
  "xz",
  "lz4",
  "zstd",
];
