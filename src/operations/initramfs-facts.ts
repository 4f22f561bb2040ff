import { display, type ReadableStorage } from "../bytes/index.ts";
import { decompress, kindOf } from "../compression/index.ts";
import { WickError } from "../errors/index.ts";
import { CpioReader, type CpioVisitor, type ReadCpioEntry } from "../formats/cpio/index.ts";
import { readChunks } from "../host/index.ts";

/** What running an initramfs needs to know of it. */
export interface InitramfsContents {
  /** Of the files that a run reads, those that there are; paths without a leading `/`. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** Memory that the unpacked copy takes, in bytes. */
  readonly unpackedBytes: number;
}

/** What a run reads of an image: its config, its accounts, and whether init is wick's. */
const READ = new Set([".wick/config.json", ".wick/init.rec", "etc/passwd", "etc/group"]);
const FILE_BYTES = 1 << 20;

const PAGE = 4096;
/** Inode and name in the guest's kernel: about 600 + 190 bytes (slab of 6.1), the path's rest. */
const ENTRY_BYTES = 1024;
/** No machine has so much memory; a bomb ends here. */
const UNPACKED_BYTES = 2 ** 40;

/** Whether a file is a cpio archive, or compressed as a whole: no other image is. */
export function isInitramfs(storage: ReadableStorage): boolean {
  const head = new Uint8Array(6);
  const bytes = head.subarray(0, storage.readAt(head, 0));
  return display(bytes).startsWith("07070") || kindOf(bytes) !== "none";
}

/**
 * Reads an initramfs once, all of it. Errors: ARCHIVE_INVALID, COMPRESSION_INVALID,
 * IMAGE_LIMIT.
 */
export async function initramfsContents(
  path: string,
  signal: AbortSignal | undefined,
): Promise<InitramfsContents> {
  const collector = new Collector();
  const reader = new CpioReader(collector);
  const options = { name: "the initramfs", ...(signal === undefined ? {} : { signal }) };
  for await (const chunk of decompress(readChunks(path, signal), options)) reader.push(chunk);
  reader.end();
  return { files: collector.files(), unpackedBytes: collector.unpackedBytes };
}

class Collector implements CpioVisitor {
  unpackedBytes = 0;
  readonly #files = new Map<string, Uint8Array[]>();
  #current: Uint8Array[] | undefined;

  entry({ path, kind, size }: ReadCpioEntry): void {
    this.unpackedBytes += ENTRY_BYTES + (kind === "file" ? Math.ceil(size / PAGE) * PAGE : 0);
    if (this.unpackedBytes > UNPACKED_BYTES) throw tooMuch();
    const name = display(path).replace(/^(\.?\/)+/, "");
    this.#current = undefined;
    if (kind !== "file" || size > FILE_BYTES || !READ.has(name)) return;
    this.#current = [];
    this.#files.set(name, this.#current);
  }

  data(chunk: Uint8Array): void {
    this.#current?.push(Uint8Array.from(chunk));
  }

  files(): Map<string, Uint8Array> {
    return new Map(
      [...this.#files].map(([name, chunks]) => [name, Uint8Array.from(Buffer.concat(chunks))]),
    );
  }
}

function tooMuch(): WickError {
  return new WickError(
    "IMAGE_LIMIT",
    `Cannot use the initramfs: it unpacks to more than ${UNPACKED_BYTES} bytes`,
  );
}
