import { utf8 } from "../bytes/index.ts";
import { findPath, type Ino, type Sink, type Tree } from "../tree/index.ts";
import { readFile } from "./files.ts";

/** A program in the tree: as the guest calls it, and its inode. */
export interface FoundProgram {
  readonly path: string;
  readonly ino: Ino;
}

/** Where programs of a system lie, in the order of the usual PATH of root. */
const SYSTEM_DIRECTORIES = ["/usr/sbin", "/usr/bin", "/sbin", "/bin"];

const BUSYBOX_MAX_BYTES = 8 << 20;
/** All names of all 400 applets are under 4 KiB. */
const TABLE_MAX_BYTES = 16384;

/** Whether an inode is a regular file that anybody may execute. */
export function isExecutable(tree: Tree, ino: Ino): boolean {
  return ino >= 0 && tree.inodes.kind(ino) === "file" && (tree.inodes.mode(ino) & 0o111) !== 0;
}

/** The inode at `path`; -1 where there is none, links in a circle included. */
export function findQuietly(tree: Tree, path: string): Ino {
  try {
    return findPath(tree, path);
  } catch {
    return -1;
  }
}

/** The first of `directories` that holds an executable `name`; links followed. */
export function findIn(
  tree: Tree,
  name: string,
  directories: readonly string[] = SYSTEM_DIRECTORIES,
): FoundProgram | undefined {
  for (const directory of directories) {
    const path = `${directory === "/" ? "" : directory}/${name}`;
    const ino = findPath(tree, path);
    if (isExecutable(tree, ino)) return { path, ino };
  }
  return undefined;
}

/** How a shell script starts a tool of the tree: its own program, or busybox's applet. */
export class Tools {
  readonly #tree: Tree;
  readonly #busybox: FoundProgram | undefined;
  readonly #applets: string;

  constructor(tree: Tree, sink: Sink) {
    this.#tree = tree;
    this.#busybox = findIn(tree, "busybox");
    this.#applets = this.#busybox === undefined ? "" : appletTable(tree, sink, this.#busybox);
  }

  get busybox(): FoundProgram | undefined {
    return this.#busybox;
  }

  /** Words of the command, such as `/bin/mount` or `/bin/busybox mount`. */
  find(name: string): string | undefined {
    return this.#program(name) ?? this.applet(name);
  }

  /** The tool only as a program of its own, not as busybox under another name. */
  own(name: string): string | undefined {
    const found = findIn(this.#tree, name);
    return found === undefined || found.ino === this.#busybox?.ino ? undefined : found.path;
  }

  applet(name: string): string | undefined {
    if (this.#busybox === undefined || !this.#applets.includes(`\0${name}\0`)) return undefined;
    return `${this.#busybox.path} ${name}`;
  }

  #program(name: string): string | undefined {
    return findIn(this.#tree, name)?.path;
  }
}

/** Busybox holds the names of its applets one after the other, each with a NUL. */
function appletTable(tree: Tree, sink: Sink, { path, ino }: FoundProgram): string {
  if (tree.inodes.size(ino) > BUSYBOX_MAX_BYTES) return "";
  const bytes = readFile(tree, sink, path, BUSYBOX_MAX_BYTES)!;
  const table = indexOfBytes(bytes, utf8("[\0[[\0"));
  if (table < 0) return "";
  return `\0${new TextDecoder("latin1").decode(bytes.subarray(table, table + TABLE_MAX_BYTES))}`;
}

function indexOfBytes(bytes: Uint8Array, wanted: Uint8Array): number {
  for (let at = bytes.indexOf(wanted[0]!); at >= 0; at = bytes.indexOf(wanted[0]!, at + 1)) {
    if (wanted.every((byte, i) => bytes[at + i] === byte)) return at;
  }
  return -1;
}
