/** ext4's numbers and flags, with the kernel's names (fs/ext4/ext4.h, ext4_jbd2.h). */

export const EXT4_SUPER_MAGIC = 0xef53;

/** s_feature_compat: an old kernel may mount and write all the same. */
export const COMPAT = {
  DIR_PREALLOC: 0x1,
  IMAGIC_INODES: 0x2,
  HAS_JOURNAL: 0x4,
  EXT_ATTR: 0x8,
  RESIZE_INODE: 0x10,
  DIR_INDEX: 0x20,
  SPARSE_SUPER2: 0x200,
  FAST_COMMIT: 0x400,
  STABLE_INODES: 0x800,
  ORPHAN_FILE: 0x1000,
} as const;

/** s_feature_incompat: a kernel that does not know one must not mount. */
export const INCOMPAT = {
  COMPRESSION: 0x1,
  FILETYPE: 0x2,
  RECOVER: 0x4, // the journal must be replayed
  JOURNAL_DEV: 0x8,
  META_BG: 0x10,
  EXTENTS: 0x40,
  "64BIT": 0x80,
  MMP: 0x100,
  FLEX_BG: 0x200,
  EA_INODE: 0x400,
  DIRDATA: 0x1000,
  CSUM_SEED: 0x2000,
  LARGEDIR: 0x4000,
  INLINE_DATA: 0x8000,
  ENCRYPT: 0x10000,
  CASEFOLD: 0x20000,
} as const;

/** s_feature_ro_compat: a kernel that does not know one may mount read-only. */
export const RO_COMPAT = {
  SPARSE_SUPER: 0x1,
  LARGE_FILE: 0x2,
  BTREE_DIR: 0x4,
  HUGE_FILE: 0x8,
  GDT_CSUM: 0x10,
  DIR_NLINK: 0x20,
  EXTRA_ISIZE: 0x40,
  QUOTA: 0x100,
  BIGALLOC: 0x200,
  METADATA_CSUM: 0x400,
  READONLY: 0x1000,
  PROJECT: 0x2000,
  VERITY: 0x8000,
  ORPHAN_PRESENT: 0x10000,
} as const;

/** s_state. */
export const STATE = { VALID_FS: 1, ERROR_FS: 2, ORPHAN_FS: 4 } as const;

/** s_flags: how the htree's hash takes a name's bytes. */
export const SUPER_FLAGS = { SIGNED_HASH: 1, UNSIGNED_HASH: 2 } as const;

/** s_default_mount_opts. */
export const DEFAULT_MOUNT = { XATTR_USER: 0x4, ACL: 0x8 } as const;

/** s_jnl_backup_type: s_jnl_blocks holds a copy of the journal inode's block map. */
export const JNL_BACKUP_BLOCKS = 1;

/** s_checksum_type. */
export const CRC32C_CHKSUM = 1;

/** bg_flags. */
export const BG = { INODE_UNINIT: 0x1, BLOCK_UNINIT: 0x2, INODE_ZEROED: 0x4 } as const;

/** i_flags. */
export const INODE_FLAGS = {
  INDEX: 0x1000, // hashed directory
  HUGE_FILE: 0x40000, // i_blocks counts file system blocks
  EXTENTS: 0x80000,
  EA_INODE: 0x200000,
  INLINE_DATA: 0x10000000,
} as const;

/** Inodes with a fixed number; the first one for everybody is {@link FIRST_INO}. */
export const INO = { BAD: 1, ROOT: 2, RESIZE: 7, JOURNAL: 8 } as const;

/** s_first_ino: lost+found gets it, as with mke2fs. */
export const FIRST_INO = 11;

/** EXT4_LINK_MAX: names of one inode; a directory with more subdirectories counts 1. */
export const LINK_MAX = 65000;

/** Largest numbers a directory's indirect_levels and an extent tree's depth can take here. */
export const HTREE_LEVELS_MAX = 1; // two levels of index blocks; a third needs LARGEDIR
export const EXTENT_DEPTH_MAX = 5;
