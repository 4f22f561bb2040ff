import { le16, le32, struct, u8 } from "../../bytes/index.ts";

/**
 * Directories (fs/ext4/ext4.h, namei.c): blocks of entries, each leaf block ending with a
 * checksum disguised as an entry. With INDEX, block 0 is the root of a hash tree and some
 * other blocks are its nodes; to whoever does not know, they look like empty leaves.
 */

/** struct ext4_dir_entry_2 before its name; rec_len is a multiple of 4. */
export const dirEntry = struct("ext4_dir_entry_2", 8, [
  [0x0, "inode", le32], // 0 = unused
  [0x4, "rec_len", le16],
  [0x6, "name_len", u8],
  [0x7, "file_type", u8],
]);

/** det_reserved_ft: what tells the checksum from an entry. */
export const FT_DIR_CSUM = 0xde;

/** struct ext4_dir_entry_tail: the last 12 bytes of a leaf block. */
export const dirTail = struct("ext4_dir_entry_tail", 12, [
  [0x0, "det_reserved_zero1", le32],
  [0x4, "det_rec_len", le16], // 12
  [0x6, "det_reserved_zero2", u8],
  [0x7, "det_reserved_ft", u8],
  [0x8, "det_checksum", le32], // crc32c(inode seed, block up to this tail)
]);

/** hash_version of dx_root_info; with s_flags UNSIGNED_HASH the kernel adds 3. */
export const DX_HASH = { LEGACY: 0, HALF_MD4: 1, TEA: 2 } as const;

/** struct dx_root up to its entries: `.` and `..` as entries, then struct dx_root_info. */
export const dxRoot = struct("dx_root", 0x20, [
  [0x00, "dot_inode", le32],
  [0x04, "dot_rec_len", le16], // 12
  [0x06, "dot_name_len", u8],
  [0x07, "dot_file_type", u8],
  [0x08, "dot_name", le32], // ".\0\0\0"
  [0x0c, "dotdot_inode", le32],
  [0x10, "dotdot_rec_len", le16], // block size − 12
  [0x12, "dotdot_name_len", u8],
  [0x13, "dotdot_file_type", u8],
  [0x14, "dotdot_name", le32], // "..\0\0"
  [0x18, "reserved_zero", le32],
  [0x1c, "hash_version", u8],
  [0x1d, "info_length", u8], // 8
  [0x1e, "indirect_levels", u8], // 0 = the entries point to leaves
  [0x1f, "unused_flags", u8],
]);

/** struct dx_node up to its entries: an unused entry that covers the block. */
export const dxNode = struct("dx_node", 8, [
  [0x0, "fake_inode", le32],
  [0x4, "fake_rec_len", le16],
  [0x6, "fake_name_len", u8],
  [0x7, "fake_file_type", u8],
]);

/** struct dx_entry; bit 0 of `hash` says that the block before holds names of the same hash. */
export const dxEntry = struct("dx_entry", 8, [
  [0x0, "hash", le32],
  [0x4, "block", le32], // logical block of the directory
]);

/** The first entry's hash is not needed: struct dx_countlimit lies in its place. */
export const dxCountLimit = struct("dx_countlimit", 4, [
  [0x0, "limit", le16],
  [0x2, "count", le16],
]);

/** struct dx_tail: after the last possible entry of a root or node. */
export const dxTail = struct("dx_tail", 8, [
  [0x0, "dt_reserved", le32],
  [0x4, "dt_checksum", le32], // crc32c(inode seed, block up to the last used entry, this tail with 0 here)
]);
