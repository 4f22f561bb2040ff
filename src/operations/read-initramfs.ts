import { display, type ReadableStorage } from "../bytes/index.ts";
import { decompress, kindOf, type CompressionKind } from "../compression/index.ts";
import { CpioReader, type CpioVisitor, type ReadCpioEntry } from "../formats/cpio/index.ts";
import { storageChunks } from "./storage-chunks.ts";

export interface ReadOptions {
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

/** Whether a file is a newc archive, or compressed as a whole: no other image is. */
export function isInitramfs(storage: ReadableStorage): boolean {
  const head = headAt(storage, 0);
  return display(head).startsWith("07070") || kindOf(head) !== "none";
}

/** Bytes of the guest's memory that an entry takes once it is unpacked. */
export function unpackedBytesOf({ size }: ReadCpioEntry): number {
  return ENTRY_BYTES + Math.ceil(size / PAGE_BYTES) * PAGE_BYTES;
}

/** How what begins at `position` is compressed. */
export function compressionAt(storage: ReadableStorage, position: number): CompressionKind {
  return kindOf(headAt(storage, position));
}

/**
 * Shows `visitor` a whole initramfs in one pass: archives as they are, and behind them, or
 * alone, one that is compressed. Returns how its last part is compressed. Errors:
 * ARCHIVE_INVALID, COMPRESSION_INVALID.
 */
export async function readInitramfs(
  storage: ReadableStorage,
  visitor: CpioVisitor,
  options: ReadOptions,
): Promise<CompressionKind> {
  const { signal } = options;
  const isPlain = compressionAt(storage, 0) === "none";
  const position = isPlain ? await readPlain(storage, visitor, signal) : 0;
  if (position === undefined) return "none";
  const reader = new CpioReader(visitor);
  const chunks = storageChunks(storage, { position, signal });
  for await (const chunk of decompress(chunks, options)) reader.push(chunk);
  reader.end();
  return compressionAt(storage, position);
}

/** Reads what is not compressed; where something else begins, if it does. */
async function readPlain(
  storage: ReadableStorage,
  visitor: CpioVisitor,
  signal: AbortSignal | undefined,
): Promise<number | undefined> {
  let foreign: number | undefined;
  const reader = new CpioReader({
    entry: (entry) => visitor.entry(entry),
    data: (chunk) => visitor.data(chunk),
    endArchive: () => visitor.endArchive?.(),
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
