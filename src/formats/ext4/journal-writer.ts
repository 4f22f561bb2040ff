import type { WritableStorage } from "../../bytes/index.ts";
import { extentRoot } from "./extents-writer.ts";
import type { Run } from "./free-runs.ts";
import { BLOCK } from "./geometry.ts";
import { INODE_FLAGS } from "./layout-flags.ts";
import { JBD2_MAGIC_NUMBER, JBD2_SUPERBLOCK_V2, journalSuperblock } from "./layout-journal.ts";

/** What the journal's inode says about its contents: one run of blocks. */
export function journalContents({ start, length }: Run): {
  flags: number;
  iBlock: Uint8Array;
  sizeBytes: number;
} {
  const iBlock = extentRoot([{ logical: 0, start, length }]);
  return { flags: INODE_FLAGS.EXTENTS, iBlock, sizeBytes: length * BLOCK };
}

/** s_jnl_blocks: i_block of the journal's inode as 15 words, i_size_high, i_size. */
export function journalBackup(run: Run): number[] {
  const { iBlock, sizeBytes } = journalContents(run);
  const view = new DataView(iBlock.buffer, iBlock.byteOffset, iBlock.length);
  const words = Array.from({ length: iBlock.length / 4 }, (_, i) => view.getUint32(i * 4, true));
  return [...words, Math.floor(sizeBytes / 2 ** 32), sizeBytes % 2 ** 32];
}

/** Writes an empty journal: its superblock; the rest is a hole. */
export function writeJournal(storage: WritableStorage, run: Run, uuid: Uint8Array): void {
  const block = journalSuperblock.encode({
    h_magic: JBD2_MAGIC_NUMBER,
    h_blocktype: JBD2_SUPERBLOCK_V2,
    s_blocksize: BLOCK,
    s_maxlen: run.length,
    s_first: 1,
    s_sequence: 1,
    s_start: 0, // nothing to replay
    s_uuid: uuid,
    s_nr_users: 1,
  });
  storage.writeAt(block, run.start * BLOCK);
}
