import { crc32c } from "../../bytes/index.ts";
import { kindOf, type Kind, type Time } from "../../tree/index.ts";
import { inodeSeed } from "./checksums.ts";
import { GOOD_OLD_INODE_SIZE, inode } from "./layout.ts";
import { INCOMPAT, INODE_FLAGS } from "./layout-flags.ts";
import { readGroup, type Group } from "./reader-groups.ts";
import type { Volume } from "./reader-volume.ts";

/** i_flags of fscrypt: names and contents are ciphertext. */
const ENCRYPT_FL = 0x800;
/** Logical block numbers are 32 bits wide. */
const BLOCKS_MAX = 2 ** 32;
const NANOSECONDS = 1_000_000_000;
/** i_extra_isize that reaches i_checksum_hi, and i_mtime_extra. */
const WITH_CHECKSUM_HI = 4;
const WITH_MTIME_EXTRA = 12;

/** An inode that is in use. */
export interface Ext4Inode {
  readonly ino: number;
  readonly kind: Kind;
  readonly raw: ReturnType<typeof inode.read>;
  /** All s_inode_size bytes of it. */
  readonly bytes: Uint8Array;
  /** i_size, in bytes. */
  readonly size: number;
  /** Seed of what belongs to it, when metadata has checksums. */
  readonly seed: number | undefined;
}

/** Finds inodes; keeps the descriptors of the groups that it met. */
export class InodeReader {
  readonly #volume: Volume;
  readonly #groups = new Map<number, Group>();

  constructor(volume: Volume) {
    this.#volume = volume;
  }

  /** What inode `ino` is, without looking at the rest of it. */
  kind(ino: number): Kind {
    const bytes = this.#bytes(ino);
    return this.#kindOf(ino, bytes[0]! | (bytes[1]! << 8));
  }

  read(ino: number): Ext4Inode {
    const bytes = this.#bytes(ino);
    const padded = new Uint8Array(Math.max(inode.sizeBytes, bytes.length));
    padded.set(bytes);
    const raw = inode.read(padded);
    const kind = this.#kindOf(ino, raw.i_mode);
    if (raw.i_links_count === 0) throw this.#volume.invalid(`inode ${ino} was removed`);
    const extra = extraSize(bytes, raw);
    if (extra > bytes.length - GOOD_OLD_INODE_SIZE || extra % 4 !== 0) {
      throw this.#volume.invalid(`inode ${ino} has ${extra} bytes of extra fields`);
    }
    const { seed } = this.#volume.geometry;
    const own = seed === undefined ? undefined : inodeSeed(seed, ino, raw.i_generation);
    if (own !== undefined) this.#checkSum(ino, bytes, raw, own);
    return { ino, kind, raw, bytes, size: this.#sizeOf(ino, kind, raw), seed: own };
  }

  #kindOf(ino: number, mode: number): Kind {
    const kind = kindOf(mode);
    if (kind !== undefined) return kind;
    throw this.#volume.invalid(`inode ${ino} has mode 0${mode.toString(8)}: not in use`);
  }

  #bytes(ino: number): Uint8Array {
    const { inodes, inodesPerGroup, inodeSize, blockSize } = this.#volume.geometry;
    if (ino < 1 || ino > inodes) throw this.#volume.invalid(`inode ${ino} of ${inodes}`);
    const group = this.#group(Math.floor((ino - 1) / inodesPerGroup));
    if (group.uninitialised) throw this.#volume.invalid(`inode ${ino} was never written`);
    const offset = ((ino - 1) % inodesPerGroup) * inodeSize;
    const number = group.inodeTable + Math.floor(offset / blockSize);
    const block = this.#volume.block(number, `inode ${ino}`);
    const start = offset % blockSize;
    return block.subarray(start, start + inodeSize);
  }

  #group(number: number): Group {
    const known = this.#groups.get(number);
    if (known !== undefined) return known;
    const group = readGroup(this.#volume, number);
    this.#groups.set(number, group);
    return group;
  }

  #checkSum(ino: number, bytes: Uint8Array, raw: Ext4Inode["raw"], seed: number): void {
    const zeroed = bytes.slice();
    const wide = extraSize(bytes, raw) >= WITH_CHECKSUM_HI;
    zeroed.fill(0, inode.offsets.l_i_checksum_lo, inode.offsets.l_i_checksum_lo + 2);
    if (wide) zeroed.fill(0, inode.offsets.i_checksum_hi, inode.offsets.i_checksum_hi + 2);
    const sum = crc32c(seed, zeroed);
    const stored = raw.l_i_checksum_lo + (wide ? raw.i_checksum_hi * 0x10000 : 0);
    if (stored === (wide ? sum : sum & 0xffff)) return;
    throw this.#volume.invalid(`the checksum of inode ${ino} is wrong`);
  }

  #sizeOf(ino: number, kind: Kind, raw: Ext4Inode["raw"]): number {
    const { features, blockSize, blocks } = this.#volume.geometry;
    const largeDir = (features.incompat & INCOMPAT.LARGEDIR) !== 0;
    const high = kind === "file" || largeDir ? raw.i_size_high : 0;
    const size = raw.i_size_lo + high * 2 ** 32;
    const most = kind === "file" ? BLOCKS_MAX * blockSize : blocks * blockSize;
    if (size <= most) return size;
    throw this.#volume.invalid(`inode ${ino}, a ${kind}, has 0x${size.toString(16)} bytes`);
  }
}

/** i_extra_isize; inodes of 128 bytes have none. */
export function extraSize(bytes: Uint8Array, raw: Ext4Inode["raw"]): number {
  return bytes.length > GOOD_OLD_INODE_SIZE ? raw.i_extra_isize : 0;
}

/** Whether names or contents are encrypted (fscrypt). */
export function isEncrypted({ raw }: Ext4Inode): boolean {
  return (raw.i_flags & ENCRYPT_FL) !== 0;
}

/** Whether its contents lie in the inode itself. */
export function isInline({ raw }: Ext4Inode): boolean {
  return (raw.i_flags & INODE_FLAGS.INLINE_DATA) !== 0;
}

/** i_mtime with the two bits that carry it to 2446 and its nanoseconds. */
export function mtimeOf({ raw, bytes }: Ext4Inode): Time {
  const seconds = raw.i_mtime | 0; // signed
  if (extraSize(bytes, raw) < WITH_MTIME_EXTRA) return { seconds, nanoseconds: 0 };
  const epoch = (raw.i_mtime_extra & 3) * 2 ** 32;
  // A damaged field may hold up to 2^30 - 1; the kernel shows it as it is, a Time cannot.
  const nanoseconds = Math.min(raw.i_mtime_extra >>> 2, NANOSECONDS - 1);
  return { seconds: seconds + epoch, nanoseconds };
}

/** Device numbers: i_block[0] has the old form of 8 and 8 bits, i_block[1] that of 12 and 20. */
export function rdevOf({ raw }: Ext4Inode): { major: number; minor: number } {
  const view = new DataView(raw.i_block.buffer, raw.i_block.byteOffset, raw.i_block.length);
  const old = view.getUint32(0, true);
  if (old !== 0) return { major: (old >>> 8) & 0xff, minor: old & 0xff };
  const wide = view.getUint32(4, true);
  return { major: (wide >>> 8) & 0xfff, minor: (wide & 0xff) | ((wide >>> 12) & 0xfff00) };
}
