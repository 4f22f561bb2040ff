import { crc32c } from "../../bytes/index.ts";
import { crcOfLe32 } from "./checksums.ts";
import { hasSuperblock } from "./geometry.ts";
import { groupDescriptor } from "./layout.ts";
import { BG, COMPAT, INCOMPAT, RO_COMPAT } from "./layout-flags.ts";
import type { Volume } from "./reader-volume.ts";

const NARROW = 32;

/** What the reader needs of a group. */
export interface Group {
  /** First block of its inode table. */
  readonly inodeTable: number;
  /** Whether nothing was ever written to that table. */
  readonly uninitialised: boolean;
}

/** The descriptor of `group`. */
export function readGroup(volume: Volume, group: number): Group {
  const { blockSize, descriptorSize, seed } = volume.geometry;
  const inBlock = blockSize / descriptorSize;
  const block = volume.block(
    descriptorBlock(volume, Math.floor(group / inBlock)),
    `the descriptor of group ${group}`,
  );
  const bytes = new Uint8Array(groupDescriptor.sizeBytes);
  const start = (group % inBlock) * descriptorSize;
  bytes.set(block.subarray(start, start + Math.min(descriptorSize, bytes.length)));
  const descriptor = groupDescriptor.read(bytes);
  if (seed !== undefined) {
    const sum = checksumOf(block.subarray(start, start + descriptorSize), group, seed);
    if (sum !== descriptor.bg_checksum) {
      throw volume.invalid(`the checksum of group ${group}'s descriptor is wrong`);
    }
  }
  return {
    inodeTable: descriptor.bg_inode_table_lo + descriptor.bg_inode_table_hi * 2 ** 32,
    uninitialised: sums(volume) && (descriptor.bg_flags & BG.INODE_UNINIT) !== 0,
  };
}

/** bg_flags count only where descriptors have checksums. */
function sums({ geometry }: Volume): boolean {
  return (geometry.features.roCompat & (RO_COMPAT.GDT_CSUM | RO_COMPAT.METADATA_CSUM)) !== 0;
}

function checksumOf(descriptor: Uint8Array, group: number, seed: number): number {
  const at = groupDescriptor.offsets.bg_checksum;
  let sum = crc32c(crcOfLe32(seed, group), descriptor, 0, at);
  sum = crc32c(sum, new Uint8Array(2));
  if (descriptor.length > NARROW) sum = crc32c(sum, descriptor, at + 2);
  return sum & 0xffff;
}

/** Block that holds the `index`-th block of descriptors (descriptor_loc of fs/ext4/super.c). */
function descriptorBlock({ geometry }: Volume, index: number): number {
  const { blockSize, descriptorSize, raw, features, blocksPerGroup, firstDataBlock } = geometry;
  const metaBg = (features.incompat & INCOMPAT.META_BG) !== 0;
  if (!metaBg || index < raw.s_first_meta_bg) return firstDataBlock + 1 + index;
  const group = index * (blockSize / descriptorSize);
  const own = groupHasSuperblock(geometry, group) ? 1 : 0;
  return firstDataBlock + group * blocksPerGroup + own;
}

function groupHasSuperblock({ features, raw }: Volume["geometry"], group: number): boolean {
  if ((features.compat & COMPAT.SPARSE_SUPER2) !== 0) {
    return group === 0 || raw.s_backup_bgs.includes(group);
  }
  if ((features.roCompat & RO_COMPAT.SPARSE_SUPER) === 0) return true;
  return hasSuperblock(group);
}
