import { crc32c } from "../../bytes/index.ts";

/** Seeds of metadata_csum: every checksum is a crc32c (no final inversion) that starts from one. */

const NUMBER = new Uint8Array(8);
const numberView = new DataView(NUMBER.buffer);

/** crc32c of `value` as le32. */
export function crcOfLe32(seed: number, value: number): number {
  numberView.setUint32(0, value, true);
  return crc32c(seed, NUMBER, 0, 4);
}

/** crc32c of `value` (below 2^53) as le64. */
export function crcOfLe64(seed: number, value: number): number {
  numberView.setUint32(0, value % 2 ** 32, true);
  numberView.setUint32(4, Math.floor(value / 2 ** 32), true);
  return crc32c(seed, NUMBER, 0, 8);
}

/** The file system's seed (without CSUM_SEED it comes from the UUID). */
export function fsSeed(uuid: Uint8Array): number {
  return crc32c(0xffffffff, uuid);
}

/** The seed of what belongs to one inode: itself, its extent blocks, its directory blocks. */
export function inodeSeed(seed: number, ino: number, generation: number): number {
  return crcOfLe32(crcOfLe32(seed, ino), generation);
}
