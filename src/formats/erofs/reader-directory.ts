import type { NamedInode } from "../file-system-reader.ts";
import { dirent } from "./layout.ts";
import { contentsOf } from "./reader-contents.ts";
import type { ErofsInode } from "./reader-inodes.ts";
import type { Volume } from "./reader-volume.ts";

const SLASH = 0x2f;
const DOT = 0x2e;
const NAME_MAX = 255;
/** Bytes of a directory: 32 million short names. */
const DIRECTORY_MAX = 1 << 30;
const at = dirent.offsets;

/** The entries of a directory in the order in which they lie, without `.` and `..`. */
export function* readEntries(volume: Volume, inode: ErofsInode): Generator<NamedInode, void> {
  const { blockSize } = volume.geometry;
  const invalid = (is: string) => volume.invalid(`directory ${inode.nid}: ${is}`);
  if (inode.size > DIRECTORY_MAX) {
    throw volume.limit(`directory ${inode.nid} has ${inode.size} bytes, read are ${DIRECTORY_MAX}`);
  }
  if (inode.size > volume.sizeBytes) throw invalid(`${inode.size} bytes, more than the image`);
  const contents = contentsOf(volume, inode);
  const block = new Uint8Array(blockSize);
  for (let position = 0; position < inode.size; position += blockSize) {
    const bytes = block.subarray(0, Math.min(blockSize, inode.size - position));
    contents.read(bytes, position);
    yield* entriesOf(bytes, { invalid, slots: volume.sizeBytes / 32 });
  }
}

interface Checks {
  readonly invalid: (is: string) => Error;
  /** nids there can be. */
  readonly slots: number;
}

function* entriesOf(bytes: Uint8Array, { invalid, slots }: Checks): Generator<NamedInode, void> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (bytes.length < dirent.sizeBytes) throw invalid("a block is cut off");
  const first = view.getUint16(at.nameoff, true);
  if (first === 0 || first % dirent.sizeBytes !== 0 || first >= bytes.length) {
    throw invalid(`its first name is said to begin at byte ${first} of a block`);
  }
  let start = first;
  for (let entry = 0; entry < first; entry += dirent.sizeBytes) {
    const isLast = entry + dirent.sizeBytes === first;
    const next = entry + dirent.sizeBytes + at.nameoff;
    const end = isLast ? endOfLast(bytes, start) : view.getUint16(next, true);
    if (end <= start || end > bytes.length || end - start > NAME_MAX) {
      throw invalid(`a name from byte ${start} to ${end}`);
    }
    const name = bytes.subarray(start, end);
    start = end;
    if (isDots(name)) continue;
    if (name.includes(SLASH) || name.includes(0))
      throw invalid("a name holds a slash or a zero byte");
    const nid = view.getBigUint64(entry + at.nid, true);
    if (nid >= BigInt(Math.floor(slots))) throw invalid(`an entry for inode ${nid}`);
    yield { name, id: Number(nid) };
  }
}

/** The last name of a block ends with it, or with a zero byte before. */
function endOfLast(bytes: Uint8Array, start: number): number {
  const zero = bytes.indexOf(0, start);
  return zero < 0 ? bytes.length : zero;
}

function isDots(name: Uint8Array): boolean {
  if (name[0] !== DOT || name.length > 2) return false;
  return name.length === 1 || name[1] === DOT;
}
