import { crc32c } from "../../bytes/index.ts";
import { FILE_TYPE } from "../file-types.ts";
import { BLOCK } from "./geometry.ts";
import { dirEntry, dirTail, FT_DIR_CSUM } from "./layout-directory.ts";

/** One entry of a directory, as it will be written. */
export interface DirectoryEntry {
  readonly name: Uint8Array;
  /** Number of the inode on disk. */
  readonly inode: number;
  /** One of FILE_TYPE. */
  readonly fileType: number;
}

/** Bytes of a leaf block for entries; the checksum's tail follows. */
export const LEAF_BYTES = BLOCK - dirTail.sizeBytes;

/** Bytes that an entry with a name of `nameLength` bytes takes (EXT4_DIR_REC_LEN). */
export function recordLength(nameLength: number): number {
  return (dirEntry.sizeBytes + nameLength + 3) & ~3;
}

const DOT = Uint8Array.of(0x2e);
const DOT_DOT = Uint8Array.of(0x2e, 0x2e);

/** `.` and `..` of a directory. */
export function dotEntries(self: number, parent: number): DirectoryEntry[] {
  return [
    { name: DOT, inode: self, fileType: FILE_TYPE.directory },
    { name: DOT_DOT, inode: parent, fileType: FILE_TYPE.directory },
  ];
}

/** A leaf block that is being filled. Written by hand: it runs once for every name. */
export class LeafBlock {
  readonly bytes = new Uint8Array(BLOCK);
  readonly #view = new DataView(this.bytes.buffer);
  #used = 0;
  #last = 0;

  clear(): void {
    this.bytes.fill(0);
    this.#used = 0;
    this.#last = 0;
  }

  /** Adds an entry, for which there must be room. */
  add({ name, inode, fileType }: DirectoryEntry): void {
    const at = this.#used;
    const length = recordLength(name.length);
    this.#view.setUint32(at, inode, true);
    this.#view.setUint16(at + 4, length, true);
    this.bytes[at + 6] = name.length;
    this.bytes[at + 7] = fileType;
    this.bytes.set(name, at + dirEntry.sizeBytes);
    this.#last = at;
    this.#used = at + length;
  }

  /** Stretches the last entry to the block's end and adds the checksum. */
  seal(inodeSeed: number): void {
    this.#view.setUint16(this.#last + 4, LEAF_BYTES - this.#last, true);
    const tail = {
      det_rec_len: dirTail.sizeBytes,
      det_reserved_ft: FT_DIR_CSUM,
      det_checksum: crc32c(inodeSeed, this.bytes, 0, LEAF_BYTES),
    };
    dirTail.write(this.bytes, tail, LEAF_BYTES);
  }
}
