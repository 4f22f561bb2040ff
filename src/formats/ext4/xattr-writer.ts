import { compareBytes, crc32c, display, equalBytes } from "../../bytes/index.ts";
import { WickError } from "../../errors/index.ts";
import type { Xattr } from "../../tree/index.ts";
import { withoutDuplicates } from "../xattrs.ts";
import { aclToDisk } from "./acl.ts";
import { crcOfLe64 } from "./checksums.ts";
import { BLOCK, INODE_SIZE } from "./geometry.ts";
import { inode } from "./layout.ts";
import {
  EXT4_XATTR_MAGIC,
  WHOLE_NAME_INDEXES,
  XATTR_PREFIXES,
  xattrEntry,
  xattrHeader,
  xattrInodeHeader,
} from "./layout-xattr.ts";

/** Bytes behind the inode's fields. */
export const INLINE_BYTES = INODE_SIZE - inode.sizeBytes;
/** Four zero bytes end the entries. */
const END_BYTES = 4;
const INLINE_ROOM = INLINE_BYTES - xattrInodeHeader.sizeBytes - END_BYTES;
const BLOCK_ROOM = BLOCK - xattrHeader.sizeBytes - END_BYTES;

const POSIX_ACLS: ReadonlySet<number> = new Set([2, 3]);
/** `system.`: what ext4 keeps there is its own inline data, no attribute. */
const SYSTEM = 7;

/** An attribute in ext4's terms. */
interface Attribute {
  readonly index: number;
  /** The name without what the index stands for. */
  readonly name: Uint8Array;
  readonly value: Uint8Array;
}

/** The attributes of one inode, divided between the inode and a block. */
export interface PlacedXattrs {
  readonly inline: readonly Attribute[];
  readonly block: readonly Attribute[];
}

const pad4 = (length: number): number => (length + 3) & ~3;

function sizeOf({ name, value }: Attribute): number {
  return xattrEntry.sizeBytes + pad4(name.length) + pad4(value.length);
}

/**
 * Divides attributes between the inode and one block. Throws IMAGE_LIMIT when they do not
 * fit; tells `warn` about names that no Linux file system has.
 */
export function placeXattrs(
  xattrs: readonly Xattr[],
  warn: (problem: string) => void,
): PlacedXattrs {
  const attributes = withoutDuplicates(xattrs)
    .map((xattr) => toAttribute(xattr, warn))
    .filter((attribute) => attribute !== undefined)
    .sort(compareAttributes);
  const total = attributes.reduce((sum, attribute) => sum + sizeOf(attribute), 0);
  const inOrder = divide(attributes, attributes);
  // A block that is full only because of the order: the largest go into the inode then.
  const placed =
    roomLeft(inOrder) >= 0
      ? inOrder
      : divide(
          attributes,
          attributes.toSorted((a, b) => sizeOf(b) - sizeOf(a)),
        );
  if (roomLeft(placed) >= 0) return placed;
  throw new WickError(
    "IMAGE_LIMIT",
    `Cannot store extended attributes: they take ${total} bytes, ext4 has ${INLINE_ROOM} in the inode and ${BLOCK_ROOM} in one block`,
  );
}

function toAttribute(
  { name, value }: Xattr,
  warn: (problem: string) => void,
): Attribute | undefined {
  const found = XATTR_PREFIXES.find(({ prefix }) => startsWith(name, prefix));
  const suffix = name.subarray(found?.prefix.length ?? 0);
  const isWhole = found !== undefined && WHOLE_NAME_INDEXES.has(found.index);
  if (!found || found.index === SYSTEM || isWhole !== (suffix.length === 0)) {
    warn(`its extended attribute "${display(name)}" is left out: ext4 has no such name`);
    return undefined;
  }
  const stored = POSIX_ACLS.has(found.index) ? aclToDisk(value) : value;
  return { index: found.index, name: suffix, value: stored };
}

function startsWith(bytes: Uint8Array, prefix: Uint8Array): boolean {
  return bytes.length >= prefix.length && equalBytes(bytes.subarray(0, prefix.length), prefix);
}

/** The order that the kernel keeps in a block (ext4_xattr_find_entry). */
function compareAttributes(a: Attribute, b: Attribute): number {
  return a.index - b.index || a.name.length - b.name.length || compareBytes(a.name, b.name);
}

/** Puts into the inode what fits, asked in the order of `candidates`; the rest into the block. */
function divide(sorted: readonly Attribute[], candidates: readonly Attribute[]): PlacedXattrs {
  let room = INLINE_ROOM;
  const chosen = new Set<Attribute>();
  for (const attribute of candidates) {
    if (sizeOf(attribute) > room) continue;
    room -= sizeOf(attribute);
    chosen.add(attribute);
  }
  return {
    inline: sorted.filter((attribute) => chosen.has(attribute)),
    block: sorted.filter((attribute) => !chosen.has(attribute)),
  };
}

function roomLeft({ block }: PlacedXattrs): number {
  return block.reduce((room, attribute) => room - sizeOf(attribute), BLOCK_ROOM);
}

/** Writes what lies behind the inode's fields: `area` is {@link INLINE_BYTES} of zeros. */
export function writeInlineXattrs(area: Uint8Array, attributes: readonly Attribute[]): void {
  if (attributes.length === 0) return;
  xattrInodeHeader.write(area, { h_magic: EXT4_XATTR_MAGIC });
  // e_hash stays 0: the kernel keeps none in inodes
  writeAttributes(area.subarray(xattrInodeHeader.sizeBytes), 0, attributes, () => 0);
}

/** The block of attributes that lies at `blockNumber`. */
export function encodeXattrBlock(
  attributes: readonly Attribute[],
  fsSeed: number,
  blockNumber: number,
): Uint8Array {
  const block = new Uint8Array(BLOCK);
  writeAttributes(block, xattrHeader.sizeBytes, attributes, entryHash);
  const header = {
    h_magic: EXT4_XATTR_MAGIC,
    h_refcount: 1,
    h_blocks: 1,
    h_hash: blockHash(attributes),
  };
  xattrHeader.write(block, header);
  const checksum = crc32c(crcOfLe64(fsSeed, blockNumber), block);
  xattrHeader.write(block, { ...header, h_checksum: checksum });
  return block;
}

/** Writes entries from `start` upwards and values from the end downwards. */
function writeAttributes(
  area: Uint8Array,
  start: number,
  attributes: readonly Attribute[],
  hash: (attribute: Attribute) => number,
): void {
  let at = start;
  let values = area.length;
  for (const attribute of attributes) {
    const { index, name, value } = attribute;
    values -= pad4(value.length);
    area.set(value, values);
    const entry = {
      e_name_len: name.length,
      e_name_index: index,
      e_value_offs: value.length === 0 ? 0 : values,
      e_value_size: value.length,
      e_hash: hash(attribute),
    };
    xattrEntry.write(area, entry, at);
    area.set(name, at + xattrEntry.sizeBytes);
    at += xattrEntry.sizeBytes + pad4(name.length);
  }
}

/** e_hash of an entry in a block (ext4_xattr_hash_entry): name by bytes, value by words. */
function entryHash({ name, value }: Attribute): number {
  let hash = 0;
  for (const byte of name) hash = (hash << 5) ^ (hash >>> 27) ^ byte;
  const padded = new Uint8Array(pad4(value.length));
  padded.set(value);
  const view = new DataView(padded.buffer);
  for (let at = 0; at < padded.length; at += 4) {
    hash = (hash << 16) ^ (hash >>> 16) ^ view.getUint32(at, true);
  }
  return hash >>> 0;
}

/** h_hash of a block (ext4_xattr_rehash); 0 when an entry has none. */
function blockHash(attributes: readonly Attribute[]): number {
  let hash = 0;
  for (const attribute of attributes) {
    const entry = entryHash(attribute);
    if (entry === 0) return 0;
    hash = (hash << 16) ^ (hash >>> 16) ^ entry;
  }
  return hash >>> 0;
}
