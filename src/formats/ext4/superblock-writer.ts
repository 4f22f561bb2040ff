import { crc32c, type WritableStorage } from "../../bytes/index.ts";
import {
  BLOCK,
  BLOCKS_PER_GROUP,
  DESCRIPTOR_SIZE,
  hasSuperblock,
  INODE_SIZE,
  LOG_GROUPS_PER_FLEX,
} from "./geometry.ts";
import type { GroupTotals } from "./group-writer.ts";
import type { HashSeed } from "./htree-hash.ts";
import { journalBackup } from "./journal-writer.ts";
import {
  GOOD_OLD_INODE_SIZE,
  inode,
  superblock,
  SUPERBLOCK_OFFSET,
  type Superblock,
} from "./layout.ts";
import { DX_HASH } from "./layout-directory.ts";
import {
  COMPAT,
  CRC32C_CHKSUM,
  DEFAULT_MOUNT,
  EXT4_SUPER_MAGIC,
  FIRST_INO,
  INCOMPAT,
  INO,
  JNL_BACKUP_BLOCKS,
  RO_COMPAT,
  STATE,
  SUPER_FLAGS,
} from "./layout-flags.ts";
import type { Placement } from "./placement.ts";

/** What the superblock says beside the geometry. */
export interface SuperblockOptions {
  readonly placement: Placement;
  readonly totals: GroupTotals;
  readonly uuid: Uint8Array;
  readonly hashSeed: HashSeed;
  readonly label: Uint8Array;
}

const FEATURES = {
  s_feature_incompat: INCOMPAT.FILETYPE | INCOMPAT.EXTENTS | INCOMPAT["64BIT"] | INCOMPAT.FLEX_BG,
  s_feature_ro_compat:
    RO_COMPAT.SPARSE_SUPER |
    RO_COMPAT.LARGE_FILE |
    RO_COMPAT.HUGE_FILE |
    RO_COMPAT.DIR_NLINK |
    RO_COMPAT.EXTRA_ISIZE |
    RO_COMPAT.METADATA_CSUM,
};

const EXTRA_ISIZE = inode.sizeBytes - GOOD_OLD_INODE_SIZE;
const ERRORS_CONTINUE = 1;
const DYNAMIC_REV = 1;
/** s_max_mnt_count: never check because of the number of mounts (−1). */
const NEVER = 0xffff;

/** Writes superblock and descriptors, and their copies in the groups that have them. */
export function writeSuperblocks(storage: WritableStorage, options: SuperblockOptions): void {
  const { placement, totals } = options;
  const fields = fieldsOf(options);
  for (let group = 0; group < placement.geometry.groups; group++) {
    if (!hasSuperblock(group)) continue;
    const start = group * BLOCKS_PER_GROUP * BLOCK;
    // 16 bits, for information only: larger numbers are stored modulo 2^16, as mke2fs does
    const copy = encode({ ...fields, s_block_group_nr: group % 2 ** 16 });
    storage.writeAt(copy, group === 0 ? SUPERBLOCK_OFFSET : start);
    storage.writeAt(totals.descriptors, start + BLOCK);
  }
}

function encode(fields: Partial<Superblock>): Uint8Array {
  const bytes = superblock.encode(fields);
  const checksum = crc32c(0xffffffff, bytes, 0, superblock.offsets.s_checksum);
  return superblock.encode({ ...fields, s_checksum: checksum });
}

function fieldsOf(options: SuperblockOptions): Partial<Superblock> {
  const { placement, totals, uuid, hashSeed, label } = options;
  const { geometry } = placement;
  return {
    ...FEATURES,
    ...journalFields(placement),
    s_inodes_count: geometry.groups * geometry.inodesPerGroup,
    s_blocks_count_lo: geometry.blocks % 2 ** 32,
    s_blocks_count_hi: Math.floor(geometry.blocks / 2 ** 32),
    s_free_blocks_count_lo: totals.freeBlocks % 2 ** 32,
    s_free_blocks_count_hi: Math.floor(totals.freeBlocks / 2 ** 32),
    s_free_inodes_count: totals.freeInodes,
    s_log_block_size: Math.log2(BLOCK) - 10,
    s_log_cluster_size: Math.log2(BLOCK) - 10,
    s_blocks_per_group: BLOCKS_PER_GROUP,
    s_clusters_per_group: BLOCKS_PER_GROUP,
    s_inodes_per_group: geometry.inodesPerGroup,
    s_max_mnt_count: NEVER,
    s_magic: EXT4_SUPER_MAGIC,
    s_state: STATE.VALID_FS,
    s_errors: ERRORS_CONTINUE,
    s_rev_level: DYNAMIC_REV,
    s_first_ino: FIRST_INO,
    s_inode_size: INODE_SIZE,
    s_uuid: uuid,
    s_volume_name: label,
    s_hash_seed: hashSeed,
    s_def_hash_version: DX_HASH.HALF_MD4,
    s_flags: SUPER_FLAGS.UNSIGNED_HASH,
    s_desc_size: DESCRIPTOR_SIZE,
    s_default_mount_opts: DEFAULT_MOUNT.XATTR_USER | DEFAULT_MOUNT.ACL,
    s_min_extra_isize: EXTRA_ISIZE,
    s_want_extra_isize: EXTRA_ISIZE,
    s_log_groups_per_flex: LOG_GROUPS_PER_FLEX,
    s_checksum_type: CRC32C_CHKSUM,
  };
}

function journalFields({ journalStart, journalBlocks }: Placement): Partial<Superblock> {
  const compat = COMPAT.EXT_ATTR | COMPAT.DIR_INDEX;
  if (journalBlocks === 0) return { s_feature_compat: compat };
  return {
    s_feature_compat: compat | COMPAT.HAS_JOURNAL,
    s_journal_inum: INO.JOURNAL,
    s_jnl_backup_type: JNL_BACKUP_BLOCKS,
    s_jnl_blocks: journalBackup({ start: journalStart, length: journalBlocks }),
  };
}
