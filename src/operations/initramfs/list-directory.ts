import { join } from "node:path";
import { display, utf8 } from "../../bytes/index.ts";
import type { CpioVisitor, ReadCpioEntry } from "../../formats/cpio/index.ts";
import { initramfsListComment, initramfsListLine } from "../../formats/initramfs-list/index.ts";
import { OutputFile } from "../../host/index.ts";

/** The list in a directory that the kernel's build takes, and where the files lie beside it. */
export const LIST_NAME = "initramfs_list";
export const FILES_NAME = "files";

const HEAD = `Files of an initramfs, for CONFIG_INITRAMFS_SOURCE or usr/gen_init_cpio of a kernel.
Made by wick; the form is told in usr/gen_init_cpio.c.`;

interface ListDirectoryOptions {
  /** Where to write; empty. */
  readonly directory: string;
  /** The directory in which the list says that the files lie. */
  readonly prefix: string;
  readonly warn: (message: string) => void;
}

/** A file whose bytes are coming. */
interface Coming {
  readonly output: OutputFile;
  readonly mode: number;
  readonly mtime: number;
  left: number;
}

/** Takes an archive of `writeCpioTree` apart: a line for each node, a file for each file. */
export class ListDirectory implements CpioVisitor, Disposable {
  /** Bytes of the list and all files. */
  sizeBytes = 0;
  readonly #options: ListDirectoryOptions;
  readonly #list: OutputFile;
  /** Names so far of a file that has more to come: they stand one behind the other. */
  #names: Uint8Array[] = [];
  #coming: Coming | undefined;
  readonly #paths = new HostPaths();
  readonly #nodes = new Set<number>();

  constructor(options: ListDirectoryOptions) {
    this.#options = options;
    this.#list = new OutputFile(join(options.directory, LIST_NAME));
  }

  /** Once, before the archive: what fails here still lets go of the list. */
  begin(): void {
    this.#write(initramfsListComment(HEAD));
  }

  entry(entry: ReadCpioEntry): void {
    if (entry.kind === "file") return this.#file(entry);
    if (this.#nodes.has(entry.ino)) this.#warnOfLink(entry);
    this.#nodes.add(entry.ino);
    this.#write(initramfsListLine({ ...entry, names: [entry.path] }));
  }

  data(chunk: Uint8Array): void {
    const coming = this.#coming!;
    coming.output.write(chunk);
    coming.left -= chunk.length;
    this.sizeBytes += chunk.length;
    if (coming.left === 0) this.#endFile(coming);
  }

  /** Ends the list, once the whole archive was read. */
  finish(): void {
    this.#list.finish({ mode: 0o666 });
  }

  [Symbol.dispose](): void {
    this.#coming?.output[Symbol.dispose]();
    this.#list[Symbol.dispose]();
  }

  /** A file's data goes with its last name, as do its lines here. */
  #file(entry: ReadCpioEntry): void {
    this.#names.push(entry.path);
    if (this.#names.length < entry.nlink) return;
    const [first, ...links] = this.#names as [Uint8Array, ...Uint8Array[]];
    this.#names = [];
    const path = join(FILES_NAME, this.#paths.of(first));
    const location = utf8(join(this.#options.prefix, path));
    this.#write(initramfsListLine({ ...entry, names: [first, ...links], location }));
    const output = new OutputFile(join(this.#options.directory, path));
    // Its user must read it; who else may is what the archive says.
    const mode = (entry.mode & 0o777) | 0o600;
    this.#coming = { output, mode, mtime: entry.mtime, left: entry.size };
    if (entry.size === 0) this.#endFile(this.#coming);
  }

  #endFile({ output, mode, mtime }: Coming): void {
    output.finish({ mode, mtime });
    this.#coming = undefined;
  }

  #warnOfLink({ path, kind }: ReadCpioEntry): void {
    this.#options.warn(
      `"/${display(path)}" is one more name of a ${kind}: a list makes it a node of its own`,
    );
  }

  #write(line: Uint8Array): void {
    this.#list.write(line);
    this.sizeBytes += line.length;
  }
}

/** Paths on the host for paths in the archive: the same, or a number where that is no UTF-8. */
class HostPaths {
  readonly #decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  readonly #used = new Set<string>();
  #count = 0;

  of(path: Uint8Array): string {
    const name = this.#text(path) ?? this.#number();
    this.#used.add(name);
    return name;
  }

  #text(path: Uint8Array): string | undefined {
    try {
      const text = this.#decoder.decode(path);
      return this.#used.has(text) ? undefined : text;
    } catch {
      return undefined;
    }
  }

  #number(): string {
    do this.#count++;
    while (this.#used.has(`not-utf8-${this.#count}`));
    return `not-utf8-${this.#count}`;
  }
}
