import { crc32c, type ReadableStorage, uuidText } from "../../bytes/index.ts";
import { WickError } from "../../errors/index.ts";
import { fsSeed } from "./checksums.ts";
import { GOOD_OLD_INODE_SIZE, superblock, SUPERBLOCK_OFFSET } from "./layout.ts";
import {
  COMPAT,
  CRC32C_CHKSUM,
  EXT4_SUPER_MAGIC,
  INCOMPAT,
  RO_COMPAT,
  STATE,
} from "./layout-flags.ts";
import { featureNames, unreadableFeatures, type FeatureWords } from "./reader-features.ts";

export type RawSuperblock = ReturnType<typeof superblock.read>;

/** What the superblock says, for people. */
export interface Ext4Facts {
  /** `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx`. */
  readonly uuid: string;
  /** The volume's name in bytes, without padding. */
  readonly label: Uint8Array;
  /** Bytes of a block. */
  readonly blockSize: number;
  readonly blocks: number;
  readonly freeBlocks: number;
  readonly inodes: number;
  readonly freeInodes: number;
  /** By dumpe2fs's names, in its order. */
  readonly features: readonly string[];
  /** Whether it has a journal inside. */
  readonly journal: boolean;
  /** The journal holds changes that were not replayed: what is read may be out of date. */
  readonly needsRecovery: boolean;
  /** In dumpe2fs's words: `clean`, `not clean`, either also ` with errors`. */
  readonly state: string;
}

/** The superblock's numbers, all checked against each other and the storage. */
export interface Ext4Geometry {
  readonly raw: RawSuperblock;
  readonly features: FeatureWords;
  readonly blockSize: number;
  readonly blocks: number;
  readonly firstDataBlock: number;
  readonly blocksPerGroup: number;
  readonly groups: number;
  readonly inodes: number;
  readonly inodesPerGroup: number;
  readonly inodeSize: number;
  /** Bytes of a group descriptor. */
  readonly descriptorSize: number;
  /** Seed of all checksums, when metadata has them. */
  readonly seed: number | undefined;
}

const ORIGINAL_REVISION = 0;
const BLOCK_SIZE_LOG_MAX = 6; // 64 KiB

/** Reads and checks the superblock. Errors: IMAGE_INVALID; UNSUPPORTED for features it cannot follow. */
export function readSuperblock(storage: ReadableStorage, what: string): Ext4Geometry {
  const invalid = (is: string) => new WickError("IMAGE_INVALID", `Cannot read ${what}: ${is}`);
  const bytes = new Uint8Array(superblock.sizeBytes);
  if (storage.readAt(bytes, SUPERBLOCK_OFFSET) < bytes.length) {
    throw invalid(`${storage.sizeBytes} bytes, too few for a superblock`);
  }
  const raw = superblock.read(bytes);
  if (raw.s_magic !== EXT4_SUPER_MAGIC) {
    throw invalid(`the magic number is 0x${raw.s_magic.toString(16)}, wanted 0xef53`);
  }
  const features = featuresOf(raw);
  checkReadable(features, what);
  const seed = seedOf(raw, features);
  if (seed !== undefined) checkSuperblockSum(raw, bytes, invalid);
  const geometry = { raw, features, seed, ...sizesOf(raw, features) };
  const problem = problemOf(geometry, storage.sizeBytes);
  if (problem !== undefined) throw invalid(problem);
  return geometry;
}

function featuresOf(raw: RawSuperblock): FeatureWords {
  return {
    compat: raw.s_feature_compat,
    incompat: raw.s_feature_incompat,
    roCompat: raw.s_feature_ro_compat,
  };
}

function checkReadable(features: FeatureWords, what: string): void {
  const names = unreadableFeatures(features);
  if (names.length === 0) return;
  throw new WickError(
    "UNSUPPORTED",
    `Cannot read ${what}: it has the feature ${names.join(", ")}`,
    {
      hint: "mount it on a machine whose kernel knows that feature",
    },
  );
}

function seedOf(raw: RawSuperblock, features: FeatureWords): number | undefined {
  if ((features.roCompat & RO_COMPAT.METADATA_CSUM) === 0) return undefined;
  if ((features.incompat & INCOMPAT.CSUM_SEED) !== 0) return raw.s_checksum_seed;
  return fsSeed(raw.s_uuid);
}

function checkSuperblockSum(
  raw: RawSuperblock,
  bytes: Uint8Array,
  invalid: (is: string) => WickError,
): void {
  if (raw.s_checksum_type !== CRC32C_CHKSUM) {
    throw invalid(`checksums of type ${raw.s_checksum_type}, wanted 1`);
  }
  const sum = crc32c(0xffffffff, bytes, 0, superblock.offsets.s_checksum);
  if (sum !== raw.s_checksum) throw invalid("the superblock's checksum is wrong");
}

function sizesOf(raw: RawSuperblock, { incompat }: FeatureWords) {
  const wide = (incompat & INCOMPAT["64BIT"]) !== 0;
  const blocks = raw.s_blocks_count_lo + (wide ? raw.s_blocks_count_hi * 2 ** 32 : 0);
  const original = raw.s_rev_level === ORIGINAL_REVISION;
  return {
    blockSize: 1024 * 2 ** raw.s_log_block_size,
    blocks,
    firstDataBlock: raw.s_first_data_block,
    blocksPerGroup: raw.s_blocks_per_group,
    groups: Math.ceil((blocks - raw.s_first_data_block) / raw.s_blocks_per_group),
    inodes: raw.s_inodes_count,
    inodesPerGroup: raw.s_inodes_per_group,
    inodeSize: original ? GOOD_OLD_INODE_SIZE : raw.s_inode_size,
    descriptorSize: wide ? raw.s_desc_size : 32,
  };
}

/** What the kernel would not mount (fs/ext4/super.c), and what lies beyond the storage. */
function problemOf(
  sizes: Omit<Ext4Geometry, "features">,
  storageBytes: number,
): string | undefined {
  const { blockSize, raw } = sizes;
  if (raw.s_log_block_size > BLOCK_SIZE_LOG_MAX)
    return `blocks of 2^${10 + raw.s_log_block_size} bytes`;
  if (!(raw.s_blocks_per_group > 0 && sizes.blocksPerGroup <= blockSize * 8)) {
    return `${sizes.blocksPerGroup} blocks in a group, wanted 1 to ${blockSize * 8}`;
  }
  if (sizes.firstDataBlock !== (blockSize === 1024 ? 1 : 0)) {
    return `the first data block is ${sizes.firstDataBlock}`;
  }
  if (sizes.blocks <= sizes.firstDataBlock || sizes.blocks * blockSize > storageBytes) {
    return `it has ${storageBytes} bytes, the file system ${sizes.blocks} blocks of ${blockSize}`;
  }
  return inodeProblem(sizes);
}

function inodeProblem(sizes: Omit<Ext4Geometry, "features">): string | undefined {
  const { blockSize, inodeSize, descriptorSize, inodesPerGroup } = sizes;
  if (!isPowerOfTwo(inodeSize) || inodeSize < GOOD_OLD_INODE_SIZE || inodeSize > blockSize) {
    return `inodes of ${inodeSize} bytes`;
  }
  if (!isPowerOfTwo(descriptorSize) || descriptorSize < 32 || descriptorSize > blockSize) {
    return `group descriptors of ${descriptorSize} bytes`;
  }
  if (inodesPerGroup < 1 || inodesPerGroup > blockSize * 8) {
    return `${inodesPerGroup} inodes in a group, wanted 1 to ${blockSize * 8}`;
  }
  if (sizes.inodes !== sizes.groups * inodesPerGroup) {
    return `${sizes.inodes} inodes in ${sizes.groups} groups of ${inodesPerGroup}`;
  }
  if (sizes.inodes * inodeSize > sizes.blocks * blockSize) {
    return `${sizes.inodes} inodes, more than its blocks can hold`;
  }
  return undefined;
}

function isPowerOfTwo(value: number): boolean {
  return value > 0 && (value & (value - 1)) === 0;
}

/** The superblock for people. */
export function factsOf({ raw, features, ...sizes }: Ext4Geometry): Ext4Facts {
  const wide = (features.incompat & INCOMPAT["64BIT"]) !== 0;
  const labelEnd = raw.s_volume_name.indexOf(0);
  return {
    uuid: uuidText(raw.s_uuid),
    label: raw.s_volume_name.subarray(0, labelEnd === -1 ? undefined : labelEnd),
    blockSize: sizes.blockSize,
    blocks: sizes.blocks,
    freeBlocks: raw.s_free_blocks_count_lo + (wide ? raw.s_free_blocks_count_hi * 2 ** 32 : 0),
    inodes: sizes.inodes,
    freeInodes: raw.s_free_inodes_count,
    features: featureNames(features),
    journal: (features.compat & COMPAT.HAS_JOURNAL) !== 0 && raw.s_journal_inum !== 0,
    needsRecovery: (features.incompat & INCOMPAT.RECOVER) !== 0,
    state: stateText(raw.s_state),
  };
}

function stateText(state: number): string {
  const clean = (state & STATE.VALID_FS) !== 0 ? "clean" : "not clean";
  return (state & STATE.ERROR_FS) !== 0 ? `${clean} with errors` : clean;
}
