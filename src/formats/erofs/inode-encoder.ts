import { WickError } from "../../errors/index.ts";
import type { Time } from "../../tree/index.ts";
import { inodeExtended } from "./layout.ts";
import { EXTENDED } from "./layout-flags.ts";

/** What an inode on disk says. */
export interface InodeFields {
  /** LAYOUT of layout-flags.ts. */
  readonly layout: number;
  /** i_xattr_icount. */
  readonly xattrCount: number;
  readonly stMode: number;
  readonly sizeBytes: number;
  /** i_u. */
  readonly union: number;
  /** i_ino. */
  readonly number: number;
  readonly uid: number;
  readonly gid: number;
  readonly time: Time;
  readonly links: number;
}

const at = inodeExtended.offsets;

/** An inode's 64 bytes. By hand and not through the table, because it runs once for every file. */
export function encodeInode(fields: InodeFields): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(inodeExtended.sizeBytes);
  const view = new DataView(bytes.buffer);
  view.setUint16(at.i_format, EXTENDED | (fields.layout << 1), true);
  view.setUint16(at.i_xattr_icount, fields.xattrCount, true);
  view.setUint16(at.i_mode, fields.stMode, true);
  view.setBigUint64(at.i_size, BigInt(fields.sizeBytes), true);
  view.setUint32(at.i_u, fields.union, true);
  view.setUint32(at.i_ino, fields.number, true);
  view.setUint32(at.i_uid, fields.uid, true);
  view.setUint32(at.i_gid, fields.gid, true);
  view.setBigInt64(at.i_mtime, BigInt(fields.time.seconds), true);
  view.setUint32(at.i_mtime_nsec, fields.time.nanoseconds, true);
  view.setUint32(at.i_nlink, fields.links, true);
  return bytes;
}

/** new_encode_dev of include/linux/kdev_t.h. */
export function encodeDevice(
  rdev: { readonly major: number; readonly minor: number } = { major: 0, minor: 0 },
): number {
  const { major, minor } = rdev;
  if (major > 0xfff || minor > 0xfffff || major < 0 || minor < 0) {
    throw new WickError(
      "VALUE_OUT_OF_RANGE",
      `Cannot store a device ${major}:${minor}: Linux has 12 bits for major, 20 for minor numbers`,
    );
  }
  return ((minor & 0xff) | (major << 8) | ((minor & ~0xff) << 12)) >>> 0;
}
