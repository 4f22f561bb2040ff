import { crc32c } from "../../bytes/index.ts";
import type { NamedInode } from "../file-system-reader.ts";
import { dirEntry, dirTail, dxEntry, dxNode, dxRoot, FT_DIR_CSUM } from "./layout-directory.ts";
import { INODE_FLAGS } from "./layout-flags.ts";
import { contentsOf } from "./reader-contents.ts";
import { isInline, type Ext4Inode } from "./reader-inodes.ts";
import type { Volume } from "./reader-volume.ts";

const SLASH = 0x2f;
const DOT = 0x2e;
const LONGEST_BLOCK = 65_536;
/** Bytes of a directory: 32 million short names. */
const DIRECTORY_MAX = 1 << 30;
/** inline_data: the parent's number stands where `.` and `..` would. */
const INLINE_PARENT_BYTES = 4;
const I_BLOCK_BYTES = 60;

/**
 * The entries of a directory in the order in which they lie, without `.` and `..`. Hash
 * trees are read block by block like any other directory: their inner blocks look empty.
 */
export function* readEntries(volume: Volume, inode: Ext4Inode): Generator<NamedInode, void> {
  const contents = contentsOf(volume, inode);
  const reader = new EntryReader(volume, inode);
  if (isInline(inode)) {
    const bytes = new Uint8Array(inode.size);
    contents.read(bytes, 0);
    yield* reader.entries(bytes.subarray(INLINE_PARENT_BYTES, I_BLOCK_BYTES));
    yield* reader.entries(bytes.subarray(I_BLOCK_BYTES));
    return;
  }
  const { blockSize } = volume.geometry;
  if (inode.size > DIRECTORY_MAX) {
    throw volume.limit(`directory ${inode.ino} has ${inode.size} bytes, read are ${DIRECTORY_MAX}`);
  }
  if (inode.size % blockSize !== 0) throw reader.invalid(`${inode.size} bytes`);
  const block = new Uint8Array(blockSize);
  for (let position = 0; position < inode.size; position += blockSize) {
    contents.read(block, position);
    yield* reader.entries(block, position / blockSize);
  }
}

class EntryReader {
  readonly #volume: Volume;
  readonly #inode: Ext4Inode;

  constructor(volume: Volume, inode: Ext4Inode) {
    this.#volume = volume;
    this.#inode = inode;
  }

  /** The entries of one block (whose number says that it may have a checksum) or inline part. */
  *entries(bytes: Uint8Array, number?: number): Generator<NamedInode, void> {
    if (number !== undefined) this.#checkSum(bytes, number);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    for (let position = 0; position < bytes.length;) {
      const length = this.#entryLength(view, position);
      const ino = view.getUint32(position, true);
      const nameStart = position + dirEntry.sizeBytes;
      const name = bytes.subarray(nameStart, nameStart + view.getUint8(position + 6));
      position += length;
      if (ino === 0 || isDots(name)) continue;
      this.#checkName(name, ino);
      yield { name, id: ino };
    }
  }

  /** rec_len: a multiple of four that holds the entry and ends inside the block. */
  #entryLength(view: DataView, position: number): number {
    const room = view.byteLength - position;
    if (room < dirEntry.sizeBytes) throw this.invalid("an entry is cut off");
    let length = view.getUint16(position + 4, true);
    // 65536 does not fit; the largest blocks write it as one of these.
    const whole = length === 0 || length === 0xffff;
    if (view.byteLength === LONGEST_BLOCK && whole) length = LONGEST_BLOCK;
    const used = dirEntry.sizeBytes + view.getUint8(position + 6);
    if (length % 4 === 0 && length >= used && length > dirEntry.sizeBytes && length <= room) {
      return length;
    }
    // An unused entry of an inline directory may be as short as its header.
    if (length === dirEntry.sizeBytes && used === length && length <= room) return length;
    throw this.invalid(`an entry with rec_len ${length}, wanted ${used} to ${room}`);
  }

  #checkName(name: Uint8Array, ino: number): void {
    if (name.length === 0 || name.includes(SLASH) || name.includes(0)) {
      throw this.invalid("a name is empty or holds a slash or a zero byte");
    }
    if (ino > this.#volume.geometry.inodes) throw this.invalid(`an entry for inode ${ino}`);
  }

  /** A leaf's checksum hides in an entry at its end, a hash tree's inner block has one of its own. */
  #checkSum(block: Uint8Array, number: number): void {
    const { seed } = this.#inode;
    if (seed === undefined) return;
    const at = block.length - dirTail.sizeBytes;
    const tail = dirTail.read(block, at);
    const isTail =
      tail.det_reserved_zero1 === 0 &&
      tail.det_rec_len === dirTail.sizeBytes &&
      tail.det_reserved_zero2 === 0 &&
      tail.det_reserved_ft === FT_DIR_CSUM;
    if (isTail && crc32c(seed, block, 0, at) === tail.det_checksum) return;
    // A block that was a leaf before it became a root may still have the leaf's tail, out of date.
    if (this.#isInnerBlock(block, number) && innerSumIsRight(block, number, seed)) return;
    throw this.invalid(`the checksum of block ${number} is wrong`);
  }

  #isInnerBlock(block: Uint8Array, number: number): boolean {
    if ((this.#inode.raw.i_flags & INODE_FLAGS.INDEX) === 0) return false;
    if (number === 0) return dxRoot.read(block).dotdot_rec_len === block.length - 12;
    const node = dxNode.read(block);
    return node.fake_inode === 0 && node.fake_name_len === 0;
  }

  invalid(is: string): Error {
    return this.#volume.invalid(`directory ${this.#inode.ino}: ${is}`);
  }
}

/** ext4_dx_csum of fs/ext4/namei.c: the entries in use, then the tail behind the last possible one. */
function innerSumIsRight(block: Uint8Array, number: number, seed: number): boolean {
  const start = number === 0 ? dxRoot.sizeBytes : dxNode.sizeBytes;
  const view = new DataView(block.buffer, block.byteOffset, block.length);
  const limit = view.getUint16(start, true);
  const count = view.getUint16(start + 2, true);
  const tail = start + limit * dxEntry.sizeBytes;
  if (count > limit || tail + 8 > block.length) return false;
  let sum = crc32c(seed, block, 0, start + count * dxEntry.sizeBytes);
  sum = crc32c(sum, block, tail, tail + 4);
  sum = crc32c(sum, new Uint8Array(4));
  return sum === view.getUint32(tail + 4, true);
}

function isDots(name: Uint8Array): boolean {
  if (name[0] !== DOT || name.length > 2) return false;
  return name.length === 1 || name[1] === DOT;
}
