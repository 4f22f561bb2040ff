import { basename, join } from "node:path";
import { display } from "../bytes/index.ts";
import { WickError } from "../errors/index.ts";
import { FileStorage, readSmallFile } from "../host/index.ts";
import type { Entry, LayerVisitor } from "../tree/index.ts";
import { builtinNames, moduleName } from "./module-set.ts";

/** `boot/vmlinuz-6.1.0-56-cloud-amd64`; usr/lib/modules/…/vmlinuz is the same elsewhere. */
const KERNEL_PATH = /^boot\/vmlinu[xz]-([^/]+)$/;
const CONFIG_PATH = /^boot\/config-([^/]+)$/;
const BUILTIN_PATH = /^(?:usr\/)?lib\/modules\/[^/]+\/modules\.builtin$/;
const MODULE_PATH = /^(?:usr\/)?lib\/modules\/[^/]+\/.+\.ko(?:\.\w+)?$/;

/** More than any kernel package has, in bytes: unpacking stops there. */
const TOTAL_BYTES = 4 * 2 ** 30;

/**
 * Takes from kernel packages what a machine can need, the kernel and all modules, into files of
 * a directory of ours. Their names are numbers of ours: no path of a package names a file here.
 */
export class KernelUnpacker implements LayerVisitor {
  readonly #directory: string;
  readonly files = new Map<string, string>();
  builtin: ReadonlySet<string> = new Set<string>();
  kernel: { readonly path: string; readonly release: string } | undefined;
  /** Paths of configurations, by release. */
  readonly configs = new Map<string, string>();
  #count = 0;
  #totalBytes = 0;
  #storage: FileStorage | undefined;
  #position = 0;
  #ended = (): void => {};

  constructor(directory: string) {
    this.#directory = directory;
  }

  entry(entry: Entry): void {
    if (entry.type !== "file") return;
    const path = display(entry.path).replace(/^(?:\.?\/)+/, "");
    const release = KERNEL_PATH.exec(path)?.[1];
    if (release !== undefined) {
      this.#begin((file) => (this.kernel = { path: file, release }));
      return;
    }
    const configured = CONFIG_PATH.exec(path)?.[1];
    if (configured !== undefined) {
      this.#begin((file) => this.configs.set(configured, file));
    } else if (BUILTIN_PATH.test(path)) {
      this.#begin((file) => (this.builtin = builtinNames(readSmallFile(file))));
    } else if (MODULE_PATH.test(path)) {
      this.#begin((file) => this.files.set(moduleName(path) ?? basename(path), file));
    }
  }

  data(chunk: Uint8Array): void {
    if (this.#storage === undefined) return;
    this.#totalBytes += chunk.length;
    if (this.#totalBytes > TOTAL_BYTES) throw tooMuch();
    this.#storage.writeAt(chunk, this.#position);
    this.#position += chunk.length;
  }

  hole(lengthBytes: number): void {
    this.#position += lengthBytes;
    this.#storage?.setSize(this.#position);
  }

  endFile(): void {
    this.#ended();
    this.#ended = () => {};
  }

  /** A package's own oddities are apt's to judge. */
  warn(): void {}

  /** Closes what an interrupted package left open. */
  [Symbol.dispose](): void {
    this.#storage?.[Symbol.dispose]();
    this.#storage = undefined;
  }

  #begin(done: (file: string) => void): void {
    const file = join(this.#directory, String(this.#count++));
    this.#storage = new FileStorage(file, "create");
    this.#position = 0;
    this.#ended = () => {
      this[Symbol.dispose]();
      done(file);
    };
  }
}

function tooMuch(): WickError {
  return new WickError(
    "ARCHIVE_LIMIT",
    `Cannot unpack the kernel's packages: more than ${TOTAL_BYTES} bytes of kernel and modules`,
  );
}
