import { display, type ReadableStorage } from "../../bytes/index.ts";
import { decompress, kindOf, type CompressionKind } from "../../compression/index.ts";
import { inArchive, WickError } from "../../errors/index.ts";
import { CpioReader, type CpioVisitor, type ReadCpioEntry } from "../../formats/cpio/index.ts";
import { DECOMPRESSOR_HEAD_BYTES, decompressorBytes } from "../../kernel/index.ts";
import { storageChunks } from "../common/storage-chunks.ts";

/** What an initramfs asks of the machine that unpacks it. */
export interface InitramfsSummary {
  /** Entries of all its archives, names of one file each counted. */
  readonly entries: number;
  /**
   * Bytes that its unpacked copy takes: files in whole pages of 4096, and what the kernel keeps
   * of each inode and name.
   */
  readonly unpackedBytes: number;
  /** newc archives, each with its trailer. */
  readonly archives: number;
  /** How its last part is compressed: archives that are not may lie before it. */
  readonly compression: CompressionKind;
  /** What the kernel's decompressors hold meanwhile, the largest of them. */
  readonly decompressorBytes: number;
}

export interface ReadOptions {
  /** For messages; safe to print. */
  readonly name: string;
  readonly signal?: AbortSignal | undefined;
  /** Plain bytes that there may be; 64 GiB by default. */
  readonly limitBytes?: number;
}

/** Who is shown what is read. */
type Collector = Pick<CpioVisitor, "entry" | "data" | "endArchive">;

/** tmpfs keeps files in whole pages. */
const PAGE_BYTES = 4096;
/** Inode and name in the guest's kernel: about 600 + 190 bytes (slab of 6.1), the path's rest. */
const ENTRY_BYTES = 1024;
/** No small machine has so much memory; a bomb ends here, after a minute. */
const LIMIT_BYTES = 64 * 2 ** 30;

/** Whether a file is a newc archive, or compressed as a whole: no other image is. */
export function isInitramfs(storage: ReadableStorage): boolean {
  const head = headAt(storage, 0);
  return display(head.subarray(0, 6)).startsWith("07070") || kindOf(head) !== "none";
}

/** How what begins at `position` is compressed. */
export function compressionAt(storage: ReadableStorage, position: number): CompressionKind {
  return kindOf(headAt(storage, position));
}

/**
 * Reads a whole initramfs in one pass, part by part: of each archives as they are, and behind
 * them, or alone, one that is compressed. Sums it up, and shows its files to `collector`. Errors: ARCHIVE_INVALID,
 * COMPRESSION_INVALID, IMAGE_LIMIT.
 */
export async function readInitramfs(
  parts: readonly ReadableStorage[],
  options: ReadOptions,
  collector?: Collector,
): Promise<InitramfsSummary> {
  const reading = new Reading(options, collector);
  try {
    for (const part of parts) await reading.part(part);
    return { ...reading.sums, ...reading.compression };
  } catch (error) {
    throw inArchive(error, options.name);
  }
}

class Reading {
  readonly sums = { entries: 0, unpackedBytes: 0, archives: 0 };
  readonly compression: { compression: CompressionKind; decompressorBytes: number } = {
    compression: "none",
    decompressorBytes: 0,
  };
  readonly #options: ReadOptions;
  readonly #visitor: CpioVisitor;
  #bytes = 0;

  constructor(options: ReadOptions, collector: Collector | undefined) {
    this.#options = options;
    this.#visitor = {
      entry: (entry) => {
        this.#sum(entry);
        collector?.entry(entry);
      },
      data: (chunk) => collector?.data(chunk),
      endArchive: () => {
        this.sums.archives++;
        collector?.endArchive?.();
      },
    };
  }

  async part(storage: ReadableStorage): Promise<void> {
    const isPlain = compressionAt(storage, 0) === "none";
    const position = isPlain ? await this.plain(storage) : 0;
    if (position !== undefined) await this.compressed(storage, position);
    const head = headAt(storage, position ?? 0);
    const own = this.compression;
    own.compression = position === undefined ? "none" : kindOf(head);
    own.decompressorBytes = Math.max(own.decompressorBytes, decompressorBytes(head));
  }

  /** Reads what is not compressed; where something else begins, if it does. */
  async plain(storage: ReadableStorage): Promise<number | undefined> {
    let foreign: number | undefined;
    const visitor = { ...this.#visitor, foreign: (at: number) => void (foreign = at) };
    const reader = new CpioReader(visitor);
    for await (const chunk of storageChunks(storage, this.#options)) {
      this.#count(chunk);
      reader.push(chunk);
      if (foreign !== undefined) return foreign;
    }
    reader.end();
    return undefined;
  }

  async compressed(storage: ReadableStorage, position: number): Promise<void> {
    const reader = new CpioReader(this.#visitor);
    const chunks = storageChunks(storage, { position, signal: this.#options.signal });
    for await (const chunk of decompress(chunks, this.#options)) {
      this.#count(chunk);
      reader.push(chunk);
    }
    reader.end();
  }

  #sum({ size }: ReadCpioEntry): void {
    this.sums.entries++;
    this.sums.unpackedBytes += ENTRY_BYTES + Math.ceil(size / PAGE_BYTES) * PAGE_BYTES;
  }

  #count({ length }: Uint8Array): void {
    const { name, limitBytes = LIMIT_BYTES } = this.#options;
    this.#bytes += length;
    if (this.#bytes <= limitBytes) return;
    throw new WickError(
      "IMAGE_LIMIT",
      `Cannot use ${name}: it unpacks to over ${limitBytes} bytes, more than a machine's memory`,
    );
  }
}

function headAt(storage: ReadableStorage, position: number): Uint8Array {
  const head = new Uint8Array(DECOMPRESSOR_HEAD_BYTES);
  return head.subarray(0, storage.readAt(head, position));
}
