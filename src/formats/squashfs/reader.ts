import { type ReadableStorage, uuidText } from "../../bytes/index.ts";
import { WickError } from "../../errors/index.ts";
import { COMPRESSIONS, superblock, SQUASHFS_MAGIC } from "./layout.ts";

/** What the superblock of a squashfs says. */
export interface SquashfsFacts {
  /**
   * In place of a UUID, which squashfs has none of: number of inodes, time and bytes used, as
   * they lie in the superblock. init finds the root by it.
   */
  readonly identity: string;
  readonly inodes: number;
  readonly compression: string;
  readonly sizeBytes: number;
}

/** Whether `storage` begins as a squashfs does. */
export function isSquashfs(storage: ReadableStorage): boolean {
  const bytes = new Uint8Array(4);
  if (storage.readAt(bytes, 0) < bytes.length) return false;
  return new DataView(bytes.buffer).getUint32(0, true) === SQUASHFS_MAGIC;
}

/** Reads the superblock; IMAGE_INVALID when it is none, or says what cannot be. */
export function readSquashfs(storage: ReadableStorage, what = "the squashfs image"): SquashfsFacts {
  const invalid = (is: string) => new WickError("IMAGE_INVALID", `Cannot read ${what}: ${is}`);
  const bytes = new Uint8Array(superblock.sizeBytes);
  if (storage.readAt(bytes, 0) < bytes.length) {
    throw invalid(`${storage.sizeBytes} bytes, too few for a superblock`);
  }
  const raw = superblock.read(bytes);
  if (raw.s_magic !== SQUASHFS_MAGIC) {
    throw invalid(`the magic number is 0x${raw.s_magic.toString(16)}, wanted 0x73717368`);
  }
  if (raw.s_major !== 4 || raw.s_minor !== 0) {
    throw invalid(`version ${raw.s_major}.${raw.s_minor}, wanted 4.0`);
  }
  if (raw.bytes_used > BigInt(storage.sizeBytes)) {
    throw invalid(`it has ${storage.sizeBytes} bytes, the file system ${raw.bytes_used}`);
  }
  const compression = COMPRESSIONS[raw.compression];
  if (compression === undefined) throw invalid(`a compression of number ${raw.compression}`);
  const identity = identityOf(bytes);
  return { identity, inodes: raw.inodes, compression, sizeBytes: Number(raw.bytes_used) };
}

/** As init's drives.c has it. */
function identityOf(bytes: Uint8Array): string {
  const { inodes, bytes_used } = superblock.offsets;
  const identity = new Uint8Array(16);
  identity.set(bytes.subarray(inodes, inodes + 8));
  identity.set(bytes.subarray(bytes_used, bytes_used + 8), 8);
  return uuidText(identity);
}
