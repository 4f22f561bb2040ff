import { crc32c } from "../../bytes/index.ts";
import { WickError } from "../../errors/index.ts";
import type { Time } from "../../tree/index.ts";
import { inodeSeed } from "./checksums.ts";
import { BLOCK, INODE_SIZE } from "./geometry.ts";
import { inode as table, GOOD_OLD_INODE_SIZE } from "./layout.ts";
import { clampTime, encodeTime } from "./times.ts";

/** What an inode on disk says. */
export interface InodeFields {
  stMode: number;
  uid: number;
  gid: number;
  sizeBytes: number;
  links: number;
  time: Time;
  flags: number;
  /** Blocks that it occupies: data, extent nodes and attributes. */
  blocks: number;
  /** i_block: extent root, fast symlink or device; at most 60 bytes. */
  iBlock: Uint8Array;
  /** Block of extended attributes, 0 = none. */
  xattrBlock: number;
}

const SECTORS_PER_BLOCK = BLOCK / 512;
const EXTRA_ISIZE = table.sizeBytes - GOOD_OLD_INODE_SIZE;
const at = table.offsets;

/**
 * Writes an inode's fields into 256 zero bytes. By hand and not through its table, because it
 * runs once for every file.
 */
export function writeInode(view: DataView, bytes: Uint8Array, fields: InodeFields): void {
  const { base, extra } = encodeTime(clampTime(fields.time));
  const sectors = fields.blocks * SECTORS_PER_BLOCK;
  view.setUint16(at.i_mode, fields.stMode, true);
  view.setUint16(at.i_uid, fields.uid & 0xffff, true);
  view.setUint16(at.l_i_uid_high, fields.uid >>> 16, true);
  view.setUint16(at.i_gid, fields.gid & 0xffff, true);
  view.setUint16(at.l_i_gid_high, fields.gid >>> 16, true);
  view.setUint32(at.i_size_lo, fields.sizeBytes % 2 ** 32, true);
  view.setUint32(at.i_size_high, Math.floor(fields.sizeBytes / 2 ** 32), true);
  view.setUint16(at.i_links_count, fields.links, true);
  view.setUint32(at.i_blocks_lo, sectors % 2 ** 32, true);
  view.setUint16(at.l_i_blocks_high, Math.floor(sectors / 2 ** 32), true);
  view.setUint32(at.i_flags, fields.flags, true);
  bytes.set(fields.iBlock, at.i_block);
  view.setUint32(at.i_file_acl_lo, fields.xattrBlock, true);
  view.setUint16(at.i_extra_isize, EXTRA_ISIZE, true);
  for (const field of [at.i_atime, at.i_ctime, at.i_mtime, at.i_crtime]) {
    view.setUint32(field, base, true);
  }
  for (const field of [at.i_atime_extra, at.i_ctime_extra, at.i_mtime_extra, at.i_crtime_extra]) {
    view.setUint32(field, extra, true);
  }
}

/** Adds the checksum to a finished inode, whose checksum fields are still zero. */
export function sealInode(view: DataView, bytes: Uint8Array, fsSeed: number, number: number): void {
  const checksum = crc32c(inodeSeed(fsSeed, number, 0), bytes, 0, INODE_SIZE);
  view.setUint16(at.l_i_checksum_lo, checksum & 0xffff, true);
  view.setUint16(at.i_checksum_hi, checksum >>> 16, true);
}

/** i_block of a device: the old form where both numbers have eight bits, else the new one. */
export function encodeDevice(
  rdev: { readonly major: number; readonly minor: number } = { major: 0, minor: 0 },
): Uint8Array {
  const { major, minor } = rdev;
  if (major > 0xfff || minor > 0xfffff || major < 0 || minor < 0) {
    throw new WickError(
      "VALUE_OUT_OF_RANGE",
      `Cannot store a device ${major}:${minor}: Linux has 12 bits for major, 20 for minor numbers`,
    );
  }
  const bytes = new Uint8Array(8);
  const view = new DataView(bytes.buffer);
  if (major < 256 && minor < 256) view.setUint32(0, (major << 8) | minor, true);
  else view.setUint32(4, ((minor & 0xff) | (major << 8) | ((minor & ~0xff) << 12)) >>> 0, true);
  return bytes;
}
