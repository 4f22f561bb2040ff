import { compareBytes, utf8 } from "../../bytes/index.ts";
import { BLOCK, dirent } from "./layout.ts";

/** One name of a directory. */
export interface DirectoryEntry {
  readonly name: Uint8Array;
  readonly nid: number;
  /** FILE_TYPE of ../file-types.ts. */
  readonly fileType: number;
}

const DOT = utf8(".");
const DOTDOT = utf8("..");

/**
 * `entries`, sorted by the bytes of their names, with `.` and `..` in their places among
 * them: the kernel looks names up by halving, these two as well.
 */
export function withDots<T extends { readonly name: Uint8Array }>(
  entries: readonly T[],
  make: (name: Uint8Array) => T,
): T[] {
  const behind = (name: Uint8Array): number => {
    const at = entries.findIndex((entry) => compareBytes(entry.name, name) > 0);
    return at < 0 ? entries.length : at;
  };
  const [first, second] = [behind(DOT), behind(DOTDOT)];
  return [
    ...entries.slice(0, first),
    make(DOT),
    ...entries.slice(first, second), // such as ".-"
    make(DOTDOT),
    ...entries.slice(second),
  ];
}

/** How many of `names` go into each block, and the bytes that the last one has. */
export interface DirectoryShape {
  readonly counts: readonly number[];
  /** Bytes of all blocks, the last one's only as far as they are used. */
  readonly sizeBytes: number;
}

/** Divides names, `.` and `..` among them, between blocks. */
export function shapeDirectory(names: readonly { readonly name: Uint8Array }[]): DirectoryShape {
  const counts: number[] = [];
  let used = 0;
  let count = 0;
  for (const { name } of names) {
    const more = dirent.sizeBytes + name.length;
    if (used + more > BLOCK) {
      counts.push(count);
      used = 0;
      count = 0;
    }
    used += more;
    count++;
  }
  const sizeBytes = counts.length * BLOCK + used;
  counts.push(count);
  return { counts, sizeBytes };
}

/** Writes a directory's blocks; `bytes` has the shape's size and is all zeros. */
export function writeDirectory(
  bytes: Uint8Array,
  { counts }: DirectoryShape,
  entries: readonly DirectoryEntry[],
): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let first = 0;
  counts.forEach((count, i) => {
    writeBlock(bytes, view, i * BLOCK, entries.slice(first, first + count));
    first += count;
  });
}

/** By hand and not through the table, because it runs once for every name. */
function writeBlock(
  bytes: Uint8Array,
  view: DataView,
  start: number,
  entries: readonly DirectoryEntry[],
): void {
  const at = dirent.offsets;
  let nameoff = entries.length * dirent.sizeBytes;
  entries.forEach(({ name, nid, fileType }, i) => {
    const entry = start + i * dirent.sizeBytes;
    view.setBigUint64(entry + at.nid, BigInt(nid), true);
    view.setUint16(entry + at.nameoff, nameoff, true);
    view.setUint8(entry + at.file_type, fileType);
    bytes.set(name, start + nameoff);
    nameoff += name.length;
  });
}
