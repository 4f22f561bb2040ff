import { utf8 } from "../../bytes/index.ts";

/** Numbers of EROFS that mean something (fs/erofs/erofs_fs.h). */

/** feature_compat. */
export const COMPAT = { SB_CHKSUM: 0x1, MTIME: 0x2, XATTR_FILTER: 0x4 } as const;

/** feature_incompat, with mkfs.erofs's words; some bits have two meanings. */
export const INCOMPAT = {
  ZERO_PADDING: 0x01,
  /** And BIG_PCLUSTER. */
  COMPR_CFGS: 0x02,
  CHUNKED_FILE: 0x04,
  /** And COMPR_HEAD2. */
  DEVICE_TABLE: 0x08,
  ZTAILPACKING: 0x10,
  /** And DEDUPE. */
  FRAGMENTS: 0x20,
  XATTR_PREFIXES: 0x40,
} as const;

/** i_format bit 0. */
export const EXTENDED = 1;

/** i_format bits 1 to 3. */
export const LAYOUT = {
  FLAT_PLAIN: 0,
  COMPRESSED_FULL: 1,
  FLAT_INLINE: 2,
  COMPRESSED_COMPACT: 3,
  CHUNK_BASED: 4,
} as const;

/** i_u of a chunk-based inode: chunk size = block size << (this & BITS). */
export const CHUNK_FORMAT = { BITS: 0x1f, INDEXES: 0x20 } as const;

/** A chunk without data: a hole. */
export const NULL_ADDR = 0xffffffff;

/** e_name_index: what a name's beginning is replaced by; whole names first. */
export const XATTR_PREFIXES: readonly {
  readonly index: number;
  readonly prefix: Uint8Array;
  readonly isWhole: boolean;
}[] = [
  { index: 2, prefix: utf8("system.posix_acl_access"), isWhole: true },
  { index: 3, prefix: utf8("system.posix_acl_default"), isWhole: true },
  { index: 1, prefix: utf8("user."), isWhole: false },
  { index: 4, prefix: utf8("trusted."), isWhole: false },
  { index: 6, prefix: utf8("security."), isWhole: false },
];
