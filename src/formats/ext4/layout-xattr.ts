import { array, le16, le32, struct, u8, utf8 } from "../../bytes/index.ts";

/**
 * Extended attributes (fs/ext4/xattr.h): a magic number, entries growing up, four zero
 * bytes, values growing down from the end. First in the inode behind i_extra_isize, then in
 * one block. Offsets of values count from the first entry in an inode, from the header in a
 * block.
 */

/** h_magic of both headers. */
export const EXT4_XATTR_MAGIC = 0xea020000;

/** struct ext4_xattr_ibody_header. */
export const xattrInodeHeader = struct("ext4_xattr_ibody_header", 4, [[0x0, "h_magic", le32]]);

/** struct ext4_xattr_header. */
export const xattrHeader = struct("ext4_xattr_header", 32, [
  [0x00, "h_magic", le32],
  [0x04, "h_refcount", le32],
  [0x08, "h_blocks", le32], // 1
  [0x0c, "h_hash", le32],
  [0x10, "h_checksum", le32], // crc32c(fs seed, le64 block number, block with 0 here)
  [0x14, "h_reserved", array(le32, 3, 0)],
]);

/** struct ext4_xattr_entry before its name, which is padded to 4 bytes. */
export const xattrEntry = struct("ext4_xattr_entry", 16, [
  [0x0, "e_name_len", u8],
  [0x1, "e_name_index", u8],
  [0x2, "e_value_offs", le16],
  [0x4, "e_value_inum", le32], // 0 = the value is here, not in an inode of its own
  [0x8, "e_value_size", le32],
  [0xc, "e_hash", le32],
]);

/**
 * e_name_index: what a name's beginning is replaced by. Longest prefixes first, and those
 * that are whole names before the prefixes that they begin with.
 */
export const XATTR_PREFIXES: readonly { readonly index: number; readonly prefix: Uint8Array }[] = [
  { index: 2, prefix: utf8("system.posix_acl_access") },
  { index: 3, prefix: utf8("system.posix_acl_default") },
  { index: 8, prefix: utf8("system.richacl") },
  { index: 7, prefix: utf8("system.") },
  { index: 6, prefix: utf8("security.") },
  { index: 4, prefix: utf8("trusted.") },
  { index: 1, prefix: utf8("user.") },
];

/** Indexes whose prefix is the whole name. */
export const WHOLE_NAME_INDEXES: ReadonlySet<number> = new Set([2, 3, 8]);

/** a_version of the ACLs on disk, and of those that getxattr(2) gives (uapi posix_acl_xattr.h). */
export const ACL_VERSION = { disk: 1, uapi: 2 } as const;

/** struct ext4_acl_header and struct posix_acl_xattr_header. */
export const aclHeader = struct("ext4_acl_header", 4, [[0x0, "a_version", le32]]);

/** e_tag. */
export const ACL_TAG = {
  USER_OBJ: 0x01,
  USER: 0x02,
  GROUP_OBJ: 0x04,
  GROUP: 0x08,
  MASK: 0x10,
  OTHER: 0x20,
} as const;

/** struct ext4_acl_entry_short; with USER and GROUP an id follows ({@link aclEntry}). */
export const aclEntryShort = struct("ext4_acl_entry_short", 4, [
  [0x0, "e_tag", le16],
  [0x2, "e_perm", le16],
]);

/** struct ext4_acl_entry, and every entry of the uapi form (there e_id is ~0 where unused). */
export const aclEntry = struct("ext4_acl_entry", 8, [
  [0x0, "e_tag", le16],
  [0x2, "e_perm", le16],
  [0x4, "e_id", le32],
]);
