import { array, be32, raw, struct, u8 } from "../../bytes/index.ts";

/** h_magic of every jbd2 header. */
export const JBD2_MAGIC_NUMBER = 0xc03b3998;

/** h_blocktype of the superblock's second version. */
export const JBD2_SUPERBLOCK_V2 = 4;

/** Fewest blocks of a journal (JBD2_MIN_JOURNAL_BLOCKS). */
export const JBD2_MIN_JOURNAL_BLOCKS = 1024;

/** journal_superblock_t (include/linux/jbd2.h), big-endian: the journal's first 1024 bytes. */
export const journalSuperblock = struct("journal_superblock_s", 0x400, [
  [0x00, "h_magic", be32],
  [0x04, "h_blocktype", be32],
  [0x08, "h_sequence", be32],
  [0x0c, "s_blocksize", be32],
  [0x10, "s_maxlen", be32], // blocks of the journal
  [0x14, "s_first", be32], // first block of the log
  [0x18, "s_sequence", be32], // first commit expected
  [0x1c, "s_start", be32], // block of the log's start, 0 = empty
  [0x20, "s_errno", be32],
  [0x24, "s_feature_compat", be32],
  [0x28, "s_feature_incompat", be32],
  [0x2c, "s_feature_ro_compat", be32],
  [0x30, "s_uuid", raw(16)],
  [0x40, "s_nr_users", be32],
  [0x44, "s_dynsuper", be32],
  [0x48, "s_max_transaction", be32],
  [0x4c, "s_max_trans_data", be32],
  [0x50, "s_checksum_type", u8],
  [0x51, "s_padding2", raw(3)],
  [0x54, "s_num_fc_blks", be32],
  [0x58, "s_head", be32],
  [0x5c, "s_padding", array(be32, 40, 0)],
  [0xfc, "s_checksum", be32],
  [0x100, "s_users", raw(16 * 48)],
]);
