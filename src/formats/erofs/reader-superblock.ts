import { crc32c, toSafeNumber, uuidText, type ReadableStorage } from "../../bytes/index.ts";
import { WickError } from "../../errors/index.ts";
import { EROFS_SUPER_MAGIC_V1, SLOT, superblock, SUPERBLOCK_OFFSET } from "./layout.ts";
import { COMPAT, INCOMPAT } from "./layout-flags.ts";

/** What reading needs of the superblock. */
export interface ErofsGeometry {
  readonly raw: ReturnType<typeof superblock.read>;
  readonly blockSize: number;
  readonly blocks: number;
  /** Byte at which nid 0 lies. */
  readonly metaStart: number;
  /** Byte at which shared attribute 0 lies. */
  readonly sharedStart: number;
}

/** The superblock for people. */
export interface ErofsFacts {
  /** 8-4-4-4-12 hex digits. */
  readonly uuid: string;
  readonly label: Uint8Array;
  readonly blockSize: number;
  readonly blocks: number;
  readonly inodes: number;
  /** In dump.erofs's words. */
  readonly features: readonly string[];
}

/** What the kernel takes (fs/erofs/super.c): 512 bytes to 64 KiB. */
const BLOCK_BITS = { min: 9, max: 16 } as const;

const READABLE =
  INCOMPAT.ZERO_PADDING |
  INCOMPAT.COMPR_CFGS |
  INCOMPAT.CHUNKED_FILE |
  INCOMPAT.DEVICE_TABLE |
  INCOMPAT.ZTAILPACKING |
  INCOMPAT.FRAGMENTS |
  INCOMPAT.XATTR_PREFIXES;

/** Reads and checks the superblock. Errors: IMAGE_INVALID; UNSUPPORTED for features it cannot follow. */
export function readSuperblock(storage: ReadableStorage, what: string): ErofsGeometry {
  const invalid = (is: string) => new WickError("IMAGE_INVALID", `Cannot read ${what}: ${is}`);
  const bytes = new Uint8Array(superblock.sizeBytes);
  if (storage.readAt(bytes, SUPERBLOCK_OFFSET) < bytes.length) {
    throw invalid(`${storage.sizeBytes} bytes, too few for a superblock`);
  }
  const raw = superblock.read(bytes);
  if (raw.magic !== EROFS_SUPER_MAGIC_V1) {
    throw invalid(`the magic number is 0x${raw.magic.toString(16)}, wanted 0xe0f5e1e2`);
  }
  if (raw.blkszbits < BLOCK_BITS.min || raw.blkszbits > BLOCK_BITS.max) {
    throw invalid(`blocks of 2^${raw.blkszbits} bytes`);
  }
  checkReadable(raw, what);
  const blockSize = 2 ** raw.blkszbits;
  const end = raw.blocks * blockSize;
  if (raw.blocks === 0 || end > storage.sizeBytes) {
    throw invalid(`it has ${storage.sizeBytes} bytes, the file system ${end}`);
  }
  if ((raw.feature_compat & COMPAT.SB_CHKSUM) !== 0) checkSum(storage, raw, { blockSize, invalid });
  const metaStart = raw.meta_blkaddr * blockSize;
  if (metaStart + raw.root_nid * SLOT >= end)
    throw invalid(`the root is said to lie beyond its end`);
  const sharedStart = raw.xattr_blkaddr * blockSize;
  return { raw, blockSize, blocks: raw.blocks, metaStart, sharedStart };
}

function checkReadable(raw: ErofsGeometry["raw"], what: string): void {
  const unknown = (raw.feature_incompat & ~READABLE) >>> 0;
  const problem =
    unknown !== 0
      ? `it has features that wick does not know (0x${unknown.toString(16)})`
      : raw.dirblkbits !== 0
        ? "its directories have blocks of another size"
        : raw.extra_devices > 0
          ? "parts of it lie in other files"
          : undefined;
  if (problem === undefined) return;
  throw new WickError("UNSUPPORTED", `Cannot read ${what}: ${problem}`, {
    hint: "mount it on a machine whose kernel knows it",
  });
}

/** erofs_superblock_csum_verify of fs/erofs/super.c. */
function checkSum(
  storage: ReadableStorage,
  raw: ErofsGeometry["raw"],
  how: { readonly blockSize: number; readonly invalid: (is: string) => WickError },
): void {
  const { blockSize, invalid } = how;
  const length = blockSize > SUPERBLOCK_OFFSET ? blockSize - SUPERBLOCK_OFFSET : blockSize;
  const bytes = new Uint8Array(length);
  storage.readAt(bytes, SUPERBLOCK_OFFSET);
  bytes.fill(0, superblock.offsets.checksum, superblock.offsets.checksum + 4);
  if (crc32c(0xffffffff, bytes) !== raw.checksum)
    throw invalid("the superblock's checksum is wrong");
}

/** The superblock for people. */
export function factsOf({ raw, blockSize, blocks }: ErofsGeometry): ErofsFacts {
  const labelEnd = raw.volume_name.indexOf(0);
  return {
    uuid: uuidText(raw.uuid),
    label: raw.volume_name.subarray(0, labelEnd === -1 ? undefined : labelEnd),
    blockSize,
    blocks,
    inodes: toSafeNumber(raw.inos & 0xffffffffffffn, "the number of inodes"),
    features: featureNames(raw),
  };
}

const COMPAT_NAMES = [
  [COMPAT.SB_CHKSUM, "sb_csum"],
  [COMPAT.MTIME, "mtime"],
  [COMPAT.XATTR_FILTER, "xattr_filter"],
] as const;
const INCOMPAT_NAMES = [
  [INCOMPAT.ZERO_PADDING, "0padding"],
  [INCOMPAT.COMPR_CFGS, "compr_cfgs"],
  [INCOMPAT.CHUNKED_FILE, "chunked_file"],
  [INCOMPAT.DEVICE_TABLE, "device_table"],
  [INCOMPAT.ZTAILPACKING, "ztailpacking"],
  [INCOMPAT.FRAGMENTS, "fragments"],
  [INCOMPAT.XATTR_PREFIXES, "xattr_prefixes"],
] as const;

function featureNames({ feature_compat, feature_incompat }: ErofsGeometry["raw"]): string[] {
  const names = (word: number, table: readonly (readonly [number, string])[]): string[] =>
    table.filter(([bit]) => (word & bit) !== 0).map(([, name]) => name);
  return [...names(feature_compat, COMPAT_NAMES), ...names(feature_incompat, INCOMPAT_NAMES)];
}
