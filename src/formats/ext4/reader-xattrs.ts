import { compareBytes, crc32c, isZero } from "../../bytes/index.ts";
import type { Xattr } from "../../tree/index.ts";
import { crcOfLe64 } from "./checksums.ts";
import { GOOD_OLD_INODE_SIZE } from "./layout.ts";
import {
  EXT4_XATTR_MAGIC,
  WHOLE_NAME_INDEXES,
  XATTR_PREFIXES,
  xattrEntry,
  xattrHeader,
  xattrInodeHeader,
} from "./layout-xattr.ts";
import { aclFromDisk } from "./reader-acl.ts";
import { extraSize, type Ext4Inode } from "./reader-inodes.ts";
import type { Volume } from "./reader-volume.ts";

const SYSTEM = 7;
const INLINE_NAME = "data";
const NOTHING = new Uint8Array(0);
/** XATTR_SIZE_MAX of Linux: bytes of one value in an inode of its own. */
const VALUE_MAX = 65_536;
/** Bytes of all of an inode's values. */
const VALUES_MAX = 1 << 20;

/** An attribute as it lies on disk. */
interface RawXattr {
  readonly index: number;
  readonly name: Uint8Array;
  readonly value: Uint8Array;
  /** The inode that holds the value (ea_inode), or 0. */
  readonly valueInode: number;
  readonly valueSize: number;
}

/** Where a list of attributes lies: entries from `first`, values counted from `base`. */
interface Region {
  readonly bytes: Uint8Array;
  readonly first: number;
  readonly base: number;
}

/** Reads the value of `size` bytes that inode `ino` holds. */
export type ValueReader = (ino: number, size: number) => Uint8Array;

/** The extended attributes of an inode, sorted by name, ACLs as getxattr(2) gives them. */
export function readXattrs(volume: Volume, inode: Ext4Inode, readValue: ValueReader): Xattr[] {
  const all = [...inodeXattrs(volume, inode), ...blockXattrs(volume, inode)];
  const total = all.reduce((sum, { valueSize }) => sum + valueSize, 0);
  if (total > VALUES_MAX) throw invalid(volume, inode, `${total} bytes of values`);
  return all
    .filter((raw) => !isInlineData(raw) && prefixOf(raw) !== undefined)
    .map((raw) => xattrOf(volume, inode, raw, readValue))
    .sort((a, b) => compareBytes(a.name, b.name));
}

/** What inline_data keeps behind the 60 bytes of i_block. */
export function inlineRest(volume: Volume, inode: Ext4Inode): Uint8Array {
  return inodeXattrs(volume, inode).find(isInlineData)?.value ?? NOTHING;
}

function isInlineData({ index, name }: RawXattr): boolean {
  return index === SYSTEM && String.fromCharCode(...name) === INLINE_NAME;
}

/** Undefined for fscrypt's context and whatever else no name stands for; listxattr skips them, too. */
function prefixOf(raw: RawXattr): Uint8Array | undefined {
  return XATTR_PREFIXES.find(({ index }) => index === raw.index)?.prefix;
}

function xattrOf(volume: Volume, inode: Ext4Inode, raw: RawXattr, readValue: ValueReader): Xattr {
  const prefix = prefixOf(raw)!;
  const name = new Uint8Array(prefix.length + raw.name.length);
  name.set(prefix);
  name.set(raw.name, prefix.length);
  let { value } = raw;
  if (raw.valueInode !== 0) {
    if (raw.valueSize > VALUE_MAX) throw invalid(volume, inode, `${raw.valueSize} bytes in one`);
    value = readValue(raw.valueInode, raw.valueSize);
  }
  if (!WHOLE_NAME_INDEXES.has(raw.index)) return { name, value };
  const acl = aclFromDisk(value);
  if (acl === undefined) throw invalid(volume, inode, "an ACL that is none");
  return { name, value: acl };
}

function inodeXattrs(volume: Volume, inode: Ext4Inode): RawXattr[] {
  const { bytes, raw } = inode;
  const start = GOOD_OLD_INODE_SIZE + extraSize(bytes, raw);
  const first = start + xattrInodeHeader.sizeBytes;
  if (bytes.length === GOOD_OLD_INODE_SIZE || first > bytes.length) return [];
  if (xattrInodeHeader.read(bytes, start).h_magic !== EXT4_XATTR_MAGIC) return [];
  return readEntries(volume, inode, { bytes, first, base: first });
}

function blockXattrs(volume: Volume, inode: Ext4Inode): RawXattr[] {
  const number = inode.raw.i_file_acl_lo + inode.raw.l_i_file_acl_high * 2 ** 32;
  if (number === 0) return [];
  const bytes = volume.block(number, `the attributes of inode ${inode.ino}`);
  const header = xattrHeader.read(bytes);
  if (header.h_magic !== EXT4_XATTR_MAGIC || header.h_blocks !== 1) {
    throw invalid(volume, inode, "their block is none of attributes");
  }
  const { seed } = volume.geometry;
  if (seed !== undefined && blockSum(bytes, number, seed) !== header.h_checksum) {
    throw invalid(volume, inode, "their block's checksum is wrong");
  }
  return readEntries(volume, inode, { bytes, first: xattrHeader.sizeBytes, base: 0 });
}

function blockSum(bytes: Uint8Array, number: number, seed: number): number {
  const at = xattrHeader.offsets.h_checksum;
  const sum = crc32c(crcOfLe64(seed, number), bytes, 0, at);
  return crc32c(crc32c(sum, new Uint8Array(4)), bytes, at + 4);
}

function readEntries(volume: Volume, inode: Ext4Inode, { bytes, first, base }: Region): RawXattr[] {
  const found: RawXattr[] = [];
  let valueBytes = 0;
  let position = first;
  // Four zero bytes end the list, unless the region does.
  while (position + 4 <= bytes.length && !isZero(bytes, position, position + 4)) {
    const nameStart = position + xattrEntry.sizeBytes;
    if (nameStart > bytes.length) throw invalid(volume, inode, "an entry is cut off");
    const entry = xattrEntry.read(bytes, position);
    const nameEnd = nameStart + entry.e_name_len;
    const start = base + entry.e_value_offs;
    const end = start + entry.e_value_size;
    const outside = entry.e_value_inum === 0 && entry.e_value_size > 0 && end > bytes.length;
    valueBytes += entry.e_value_inum === 0 ? entry.e_value_size : 0;
    if (nameEnd > bytes.length || outside || valueBytes > bytes.length) {
      throw invalid(volume, inode, "a name or value reaches beyond its place");
    }
    found.push({
      index: entry.e_name_index,
      name: bytes.slice(nameStart, nameEnd),
      value: entry.e_value_inum === 0 ? bytes.slice(start, end) : NOTHING,
      valueInode: entry.e_value_inum,
      valueSize: entry.e_value_size,
    });
    position = (nameEnd + 3) & ~3;
  }
  return found;
}

function invalid(volume: Volume, inode: Ext4Inode, is: string): Error {
  return volume.invalid(`the extended attributes of inode ${inode.ino}: ${is}`);
}
