import { array, le16, le32, le64, raw, struct, u8, type Struct } from "../../bytes/index.ts";

/**
 * ext4 as it lies on disk: superblock, group descriptor, inode. Names are the kernel's
 * (fs/ext4/ext4.h); everything is little-endian. What hangs below them has its own pages:
 * layout-extents.ts, layout-directory.ts, layout-xattr.ts, layout-journal.ts; the flags
 * are in layout-flags.ts.
 *
 *     block 0      1024 unused bytes, then the superblock
 *     block 1 …    group descriptors
 *     anywhere     bitmaps, inode tables (flex_bg), directories, files
 */

/** Byte at which the superblock starts; its copies start at byte 0 of their groups. */
export const SUPERBLOCK_OFFSET = 1024;

/** struct ext4_super_block: 1024 bytes. */
export const superblock = struct("ext4_super_block", 0x400, [
  [0x000, "s_inodes_count", le32],
  [0x004, "s_blocks_count_lo", le32],
  [0x008, "s_r_blocks_count_lo", le32],
  [0x00c, "s_free_blocks_count_lo", le32],
  [0x010, "s_free_inodes_count", le32],
  [0x014, "s_first_data_block", le32],
  [0x018, "s_log_block_size", le32], // block size = 2^(10 + this)
  [0x01c, "s_log_cluster_size", le32],
  [0x020, "s_blocks_per_group", le32],
  [0x024, "s_clusters_per_group", le32],
  [0x028, "s_inodes_per_group", le32],
  [0x02c, "s_mtime", le32],
  [0x030, "s_wtime", le32],
  [0x034, "s_mnt_count", le16],
  [0x036, "s_max_mnt_count", le16],
  [0x038, "s_magic", le16], // 0xef53
  [0x03a, "s_state", le16],
  [0x03c, "s_errors", le16],
  [0x03e, "s_minor_rev_level", le16],
  [0x040, "s_lastcheck", le32],
  [0x044, "s_checkinterval", le32],
  [0x048, "s_creator_os", le32],
  [0x04c, "s_rev_level", le32],
  [0x050, "s_def_resuid", le16],
  [0x052, "s_def_resgid", le16],
  [0x054, "s_first_ino", le32],
  [0x058, "s_inode_size", le16],
  [0x05a, "s_block_group_nr", le16], // group of this copy
  [0x05c, "s_feature_compat", le32],
  [0x060, "s_feature_incompat", le32],
  [0x064, "s_feature_ro_compat", le32],
  [0x068, "s_uuid", raw(16)],
  [0x078, "s_volume_name", raw(16)],
  [0x088, "s_last_mounted", raw(64)],
  [0x0c8, "s_algorithm_usage_bitmap", le32],
  [0x0cc, "s_prealloc_blocks", u8],
  [0x0cd, "s_prealloc_dir_blocks", u8],
  [0x0ce, "s_reserved_gdt_blocks", le16],
  [0x0d0, "s_journal_uuid", raw(16)],
  [0x0e0, "s_journal_inum", le32],
  [0x0e4, "s_journal_dev", le32],
  [0x0e8, "s_last_orphan", le32],
  [0x0ec, "s_hash_seed", array(le32, 4, 0)],
  [0x0fc, "s_def_hash_version", u8],
  [0x0fd, "s_jnl_backup_type", u8],
  [0x0fe, "s_desc_size", le16],
  [0x100, "s_default_mount_opts", le32],
  [0x104, "s_first_meta_bg", le32],
  [0x108, "s_mkfs_time", le32],
  [0x10c, "s_jnl_blocks", array(le32, 17, 0)], // the journal inode's i_block, i_size_high, i_size
  [0x150, "s_blocks_count_hi", le32],
  [0x154, "s_r_blocks_count_hi", le32],
  [0x158, "s_free_blocks_count_hi", le32],
  [0x15c, "s_min_extra_isize", le16],
  [0x15e, "s_want_extra_isize", le16],
  [0x160, "s_flags", le32],
  [0x164, "s_raid_stride", le16],
  [0x166, "s_mmp_interval", le16],
  [0x168, "s_mmp_block", le64],
  [0x170, "s_raid_stripe_width", le32],
  [0x174, "s_log_groups_per_flex", u8],
  [0x175, "s_checksum_type", u8], // 1 = crc32c
  [0x176, "s_encryption_level", u8],
  [0x177, "s_reserved_pad", u8],
  [0x178, "s_kbytes_written", le64],
  [0x180, "s_snapshot_inum", le32],
  [0x184, "s_snapshot_id", le32],
  [0x188, "s_snapshot_r_blocks_count", le64],
  [0x190, "s_snapshot_list", le32],
  [0x194, "s_error_count", le32],
  [0x198, "s_first_error_time", le32],
  [0x19c, "s_first_error_ino", le32],
  [0x1a0, "s_first_error_block", le64],
  [0x1a8, "s_first_error_func", raw(32)],
  [0x1c8, "s_first_error_line", le32],
  [0x1cc, "s_last_error_time", le32],
  [0x1d0, "s_last_error_ino", le32],
  [0x1d4, "s_last_error_line", le32],
  [0x1d8, "s_last_error_block", le64],
  [0x1e0, "s_last_error_func", raw(32)],
  [0x200, "s_mount_opts", raw(64)],
  [0x240, "s_usr_quota_inum", le32],
  [0x244, "s_grp_quota_inum", le32],
  [0x248, "s_overhead_clusters", le32],
  [0x24c, "s_backup_bgs", array(le32, 2, 0)],
  [0x254, "s_encrypt_algos", raw(4)],
  [0x258, "s_encrypt_pw_salt", raw(16)],
  [0x268, "s_lpf_ino", le32],
  [0x26c, "s_prj_quota_inum", le32],
  [0x270, "s_checksum_seed", le32],
  [0x274, "s_wtime_hi", u8],
  [0x275, "s_mtime_hi", u8],
  [0x276, "s_mkfs_time_hi", u8],
  [0x277, "s_lastcheck_hi", u8],
  [0x278, "s_first_error_time_hi", u8],
  [0x279, "s_last_error_time_hi", u8],
  [0x27a, "s_first_error_errcode", u8],
  [0x27b, "s_last_error_errcode", u8],
  [0x27c, "s_encoding", le16],
  [0x27e, "s_encoding_flags", le16],
  [0x280, "s_orphan_file_inum", le32],
  [0x284, "s_reserved", raw(376)],
  [0x3fc, "s_checksum", le32], // crc32c(~0, bytes 0 … 0x3fb)
]);

/** struct ext4_group_desc in its 64-byte form (feature 64bit); the 32-byte one is its first half. */
export const groupDescriptor = struct("ext4_group_desc", 64, [
  [0x00, "bg_block_bitmap_lo", le32],
  [0x04, "bg_inode_bitmap_lo", le32],
  [0x08, "bg_inode_table_lo", le32],
  [0x0c, "bg_free_blocks_count_lo", le16],
  [0x0e, "bg_free_inodes_count_lo", le16],
  [0x10, "bg_used_dirs_count_lo", le16],
  [0x12, "bg_flags", le16],
  [0x14, "bg_exclude_bitmap_lo", le32],
  [0x18, "bg_block_bitmap_csum_lo", le16],
  [0x1a, "bg_inode_bitmap_csum_lo", le16],
  [0x1c, "bg_itable_unused_lo", le16],
  [0x1e, "bg_checksum", le16], // low half of crc32c(fs seed, le32 group, descriptor with 0 here)
  [0x20, "bg_block_bitmap_hi", le32],
  [0x24, "bg_inode_bitmap_hi", le32],
  [0x28, "bg_inode_table_hi", le32],
  [0x2c, "bg_free_blocks_count_hi", le16],
  [0x2e, "bg_free_inodes_count_hi", le16],
  [0x30, "bg_used_dirs_count_hi", le16],
  [0x32, "bg_itable_unused_hi", le16],
  [0x34, "bg_exclude_bitmap_hi", le32],
  [0x38, "bg_block_bitmap_csum_hi", le16],
  [0x3a, "bg_inode_bitmap_csum_hi", le16],
  [0x3c, "bg_reserved", le32],
]);

/** Bytes of an inode before i_extra_isize: what every ext2 inode has. */
export const GOOD_OLD_INODE_SIZE = 128;

/** Length of the inode's i_block: extent root or fast symlink. */
export const I_BLOCK_BYTES = 60;

/**
 * struct ext4_inode as far as i_extra_isize 32 reaches: 160 bytes. In-inode extended
 * attributes follow at 128 + i_extra_isize, up to s_inode_size.
 */
export const inode = struct("ext4_inode", 0xa0, [
  [0x00, "i_mode", le16],
  [0x02, "i_uid", le16],
  [0x04, "i_size_lo", le32],
  [0x08, "i_atime", le32],
  [0x0c, "i_ctime", le32],
  [0x10, "i_mtime", le32],
  [0x14, "i_dtime", le32],
  [0x18, "i_gid", le16],
  [0x1a, "i_links_count", le16],
  [0x1c, "i_blocks_lo", le32], // in 512-byte sectors unless EXT4_HUGE_FILE_FL
  [0x20, "i_flags", le32],
  [0x24, "l_i_version", le32],
  [0x28, "i_block", raw(I_BLOCK_BYTES)],
  [0x64, "i_generation", le32],
  [0x68, "i_file_acl_lo", le32], // block of extended attributes
  [0x6c, "i_size_high", le32],
  [0x70, "i_obso_faddr", le32],
  [0x74, "l_i_blocks_high", le16],
  [0x76, "l_i_file_acl_high", le16],
  [0x78, "l_i_uid_high", le16],
  [0x7a, "l_i_gid_high", le16],
  [0x7c, "l_i_checksum_lo", le16],
  [0x7e, "l_i_reserved", le16],
  [0x80, "i_extra_isize", le16],
  [0x82, "i_checksum_hi", le16],
  [0x84, "i_ctime_extra", le32], // nanoseconds << 2 | epoch
  [0x88, "i_mtime_extra", le32],
  [0x8c, "i_atime_extra", le32],
  [0x90, "i_crtime", le32],
  [0x94, "i_crtime_extra", le32],
  [0x98, "i_version_hi", le32],
  [0x9c, "i_projid", le32],
]);

type Fields<S> = S extends Struct<infer V> ? V : never;
/** A superblock's fields. */
export type Superblock = Fields<typeof superblock>;
/** A group descriptor's fields. */
export type GroupDescriptor = Fields<typeof groupDescriptor>;
/** An inode's fields. */
export type Inode = Fields<typeof inode>;
