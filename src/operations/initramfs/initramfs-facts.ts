import { display, type ReadableStorage } from "../../bytes/index.ts";
import type { ReadCpioEntry } from "../../formats/cpio/index.ts";
import { programArchitecture } from "../common/program-architecture.ts";
import { ProgramHeads } from "./program-heads.ts";
import { type InitramfsSummary, readInitramfs } from "./read-initramfs.ts";

/** What running an initramfs needs to know of it. */
export interface InitramfsContents {
  /** Of the files that a run reads, those that there are; paths without a leading `/`. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly summary: InitramfsSummary;
  /** Whether there is an /init; without one the kernel looks for a drive. */
  readonly hasInit: boolean;
  /** The processor that /init is for, in the words of `uname -m`, where it can be told. */
  readonly architecture: string | undefined;
}

/** Which modules wick's init loads. */
export const BOOT_RECORDS = ".wick/boot.rec";
/** What a run reads of an image: its config, its accounts, and whether init is wick's. */
const READ = new Set([
  BOOT_RECORDS,
  ".wick/config.json",
  ".wick/init.rec",
  "etc/passwd",
  "etc/group",
]);
const FILE_BYTES = 1 << 20;

/**
 * Reads an initramfs once, all of it, its parts in their order. Errors: ARCHIVE_INVALID, COMPRESSION_INVALID,
 * IMAGE_LIMIT.
 */
export async function initramfsContents(
  parts: readonly ReadableStorage[],
  signal: AbortSignal | undefined,
): Promise<InitramfsContents> {
  const collector = new Collector();
  const summary = await readInitramfs(parts, { name: "the initramfs", signal }, collector);
  const { hasInit, programs } = collector;
  const architecture = await programArchitecture("/init", (path) => programs.headOf(path));
  return { files: collector.files(), summary, hasInit, architecture };
}

class Collector {
  hasInit = false;
  readonly programs = new ProgramHeads();
  readonly #files = new Map<string, Uint8Array[]>();
  #current: Uint8Array[] | undefined;

  entry(entry: ReadCpioEntry): void {
    const { path, kind, size } = entry;
    const name = display(path).replace(/^(\.?\/)+/, "");
    this.#current = undefined;
    this.programs.entry(name, entry);
    if (name === "init") this.hasInit = kind === "file" || kind === "symlink";
    if (kind !== "file" || size > FILE_BYTES || !READ.has(name)) return;
    this.#current = [];
    this.#files.set(name, this.#current);
  }

  data(chunk: Uint8Array): void {
    this.#current?.push(Uint8Array.from(chunk));
    this.programs.data(chunk);
  }

  endArchive(): void {
    this.programs.endArchive();
  }

  files(): Map<string, Uint8Array> {
    return new Map(
      [...this.#files].map(([name, chunks]) => [name, Uint8Array.from(Buffer.concat(chunks))]),
    );
  }
}
