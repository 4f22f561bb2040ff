import { display, type ReadableStorage } from "../bytes/index.ts";
import { WickError } from "../errors/index.ts";
import type { CpioVisitor, ReadCpioEntry } from "../formats/cpio/index.ts";
import { readInitramfs, unpackedBytesOf } from "./read-initramfs.ts";

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

/** No machine has so much memory; a bomb ends here. */
const UNPACKED_BYTES = 2 ** 40;

/**
 * Reads an initramfs once, all of it. Errors: ARCHIVE_INVALID, COMPRESSION_INVALID,
 * IMAGE_LIMIT.
 */
export async function initramfsContents(
  storage: ReadableStorage,
  signal: AbortSignal | undefined,
): Promise<InitramfsContents> {
  const collector = new Collector();
  await readInitramfs(storage, collector, { name: "the initramfs", signal });
  return { files: collector.files(), unpackedBytes: collector.unpackedBytes };
}

class Collector implements CpioVisitor {
  unpackedBytes = 0;
  readonly #files = new Map<string, Uint8Array[]>();
  #current: Uint8Array[] | undefined;

  entry(entry: ReadCpioEntry): void {
    const { path, kind, size } = entry;
    this.unpackedBytes += unpackedBytesOf(entry);
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
