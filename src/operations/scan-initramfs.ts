import type { ReadableStorage } from "../bytes/index.ts";
import { decompress, kindOf, type CompressionKind } from "../compression/index.ts";
import { CpioReader, type CpioVisitor, type ReadCpioEntry } from "../formats/cpio/index.ts";
import { storageChunks } from "./storage-chunks.ts";

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

export interface ScanOptions {
  /** For messages; safe to print. */
  readonly name: string;
  readonly signal?: AbortSignal | undefined;
}

/** tmpfs keeps files in whole pages. */
const PAGE_BYTES = 4096;
/** Inode and name in the guest's kernel: about 600 + 190 bytes (slab of 6.1), the path's rest. */
const ENTRY_BYTES = 1024;
/** Enough for kindOf. */
const MAGIC_BYTES = 6;

/**
 * Reads a whole initramfs in one pass: archives as they are, and behind them, or alone, one that
 * is compressed. Errors: ARCHIVE_INVALID, COMPRESSION_INVALID.
 */
export async function scanInitramfs(
  storage: ReadableStorage,
  options: ScanOptions,
): Promise<InitramfsScan> {
  const counter = new Counter();
  const { signal } = options;
  const head = headAt(storage, 0);
  let position: number | undefined = 0;
  if (kindOf(head) === "none") position = await readPlain(storage, counter, signal);
  const compression = position === undefined ? "none" : kindOf(headAt(storage, position));
  if (position !== undefined) {
    const reader = new CpioReader(counter.visitor());
    const chunks = storageChunks(storage, { position, signal });
    for await (const chunk of decompress(chunks, options)) reader.push(chunk);
    reader.end();
  }
  return { ...counter.sums, compression };
}

/** Reads what is not compressed; where something else begins, if it does. */
async function readPlain(
  storage: ReadableStorage,
  counter: Counter,
  signal: AbortSignal | undefined,
): Promise<number | undefined> {
  let foreign: number | undefined;
  const reader = new CpioReader({
    ...counter.visitor(),
    foreign: (position) => void (foreign = position),
  });
  for await (const chunk of storageChunks(storage, { signal })) {
    reader.push(chunk);
    if (foreign !== undefined) return foreign;
  }
  reader.end();
  return undefined;
}

function headAt(storage: ReadableStorage, position: number): Uint8Array {
  const head = new Uint8Array(MAGIC_BYTES);
  return head.subarray(0, storage.readAt(head, position));
}

class Counter {
  readonly sums = { entries: 0, unpackedBytes: 0, archives: 0 };

  visitor(): CpioVisitor {
    return {
      entry: (entry) => this.#entry(entry),
      data: () => undefined,
      endArchive: () => void this.sums.archives++,
    };
  }

  #entry({ size }: ReadCpioEntry): void {
    this.sums.entries++;
    this.sums.unpackedBytes += ENTRY_BYTES + Math.ceil(size / PAGE_BYTES) * PAGE_BYTES;
  }
}
