import { kindOf, type Kind, type Time } from "../../tree/index.ts";
import { inodeCompact, inodeExtended, SLOT, xattrHeader } from "./layout.ts";
import { EXTENDED, LAYOUT } from "./layout-flags.ts";
import type { Volume } from "./reader-volume.ts";

/** One inode, understood; its numbers are still a stranger's. */
export interface ErofsInode {
  readonly nid: number;
  /** Byte at which it lies. */
  readonly position: number;
  readonly kind: Kind;
  /** Permission, setuid, setgid and sticky bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly nlink: number;
  readonly size: number;
  readonly mtime: Time;
  /** LAYOUT of layout-flags.ts. */
  readonly layout: number;
  /** i_u. */
  readonly union: number;
  /** Where its attributes begin and how many bytes they have. */
  readonly xattrs: { readonly position: number; readonly sizeBytes: number };
  /** Behind inode and attributes: what of the contents lies here. */
  readonly end: number;
}

const LAYOUTS: ReadonlySet<number> = new Set(Object.values(LAYOUT));
const SECONDS_MAX = Number.MAX_SAFE_INTEGER;

/** Reads inodes by their nid. */
export class InodeReader {
  readonly #volume: Volume;

  constructor(volume: Volume) {
    this.#volume = volume;
  }

  /** What kind of node lies there. */
  kind(nid: number): Kind {
    return this.read(nid).kind;
  }

  read(nid: number): ErofsInode {
    const volume = this.#volume;
    const position = volume.geometry.metaStart + nid * SLOT;
    const start = volume.bytes(position, inodeCompact.sizeBytes, `inode ${nid}`);
    const format = inodeCompact.read(start).i_format;
    if (format >> 4 !== 0 || !LAYOUTS.has(format >> 1)) {
      throw volume.invalid(`inode ${nid} has the format ${format}`);
    }
    const fields = (format & EXTENDED) === 0 ? this.#compact(start) : this.#extended(nid, position);
    const kind = kindOf(fields.stMode);
    if (kind === undefined) throw volume.invalid(`inode ${nid} is not in use`);
    const { stMode, sizeBytes, icount, ...rest } = fields;
    const xattrs = { position: position + sizeBytes, sizeBytes: xattrBytes(icount) };
    const end = xattrs.position + xattrs.sizeBytes;
    volume.check(position, end - position, `inode ${nid}`);
    return {
      nid,
      position,
      kind,
      mode: stMode & 0o7777,
      layout: format >> 1,
      xattrs,
      end,
      ...rest,
    };
  }

  #compact(bytes: Uint8Array) {
    const raw = inodeCompact.read(bytes);
    const { build_time, build_time_nsec } = this.#volume.geometry.raw;
    return {
      sizeBytes: inodeCompact.sizeBytes,
      icount: raw.i_xattr_icount,
      stMode: raw.i_mode,
      nlink: raw.i_nlink,
      size: raw.i_size,
      union: raw.i_u,
      uid: raw.i_uid,
      gid: raw.i_gid,
      mtime: timeOf(build_time, build_time_nsec),
    };
  }

  #extended(nid: number, position: number) {
    const { sizeBytes } = inodeExtended;
    const raw = inodeExtended.read(this.#volume.bytes(position, sizeBytes, `inode ${nid}`));
    if (raw.i_size > BigInt(Number.MAX_SAFE_INTEGER)) {
      throw this.#volume.invalid(`inode ${nid} has ${raw.i_size} bytes`);
    }
    return {
      sizeBytes,
      icount: raw.i_xattr_icount,
      stMode: raw.i_mode,
      nlink: raw.i_nlink,
      size: Number(raw.i_size),
      union: raw.i_u,
      uid: raw.i_uid,
      gid: raw.i_gid,
      mtime: timeOf(raw.i_mtime, raw.i_mtime_nsec),
    };
  }
}

function xattrBytes(icount: number): number {
  return icount === 0 ? 0 : xattrHeader.sizeBytes + 4 * (icount - 1);
}

/** A time whose seconds are 64 bits with a sign; nonsense is moved to where numbers are exact. */
function timeOf(seconds: bigint, nanoseconds: number): Time {
  const signed = Number(BigInt.asIntN(64, seconds));
  return {
    seconds: Math.max(-SECONDS_MAX, Math.min(SECONDS_MAX, signed)),
    nanoseconds: Math.min(nanoseconds, 999_999_999),
  };
}

/** Numbers of a device (new_decode_dev of include/linux/kdev_t.h). */
export function rdevOf({ union }: ErofsInode): { readonly major: number; readonly minor: number } {
  return { major: (union >>> 8) & 0xfff, minor: (union & 0xff) | ((union >>> 12) & 0xfff00) };
}
