import type { ReadableStorage } from "../bytes/index.ts";
import type { CompressionKind } from "../compression/index.ts";
import { readInitramfs, type ReadOptions, unpackedBytesOf } from "./read-initramfs.ts";

/** What an initramfs asks of the machine that unpacks it. */
export interface InitramfsScan {
  /** Entries of all its archives, names of one file each counted. */
  readonly entries: number;
  /**
   * Bytes that its unpacked copy takes: files in whole pages of 4096, and what the kernel keeps
   * of each inode and name.
   */
  readonly unpackedBytes: number;
  /** How its last part is compressed: archives that are not may lie before it. */
  readonly compression: CompressionKind;
  /** newc archives, each with its trailer. */
  readonly archives: number;
}

/** Sums up a whole initramfs; see {@link readInitramfs}. */
export async function scanInitramfs(
  storage: ReadableStorage,
  options: ReadOptions,
): Promise<InitramfsScan> {
  const sums = { entries: 0, unpackedBytes: 0, archives: 0 };
  const compression = await readInitramfs(
    storage,
    {
      entry(entry) {
        sums.entries++;
        sums.unpackedBytes += unpackedBytesOf(entry);
      },
      data: () => undefined,
      endArchive: () => void sums.archives++,
    },
    options,
  );
  return { ...sums, compression };
}
