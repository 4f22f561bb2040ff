import { compareBytes, equalBytes } from "../bytes/index.ts";
import type { WickError } from "../errors/index.ts";
import type { Kind } from "../tree/index.ts";
import {
  type ImageEntry,
  type ImageNode,
  type ImagePath,
  type ImageReader,
  type ImageStat,
  lookupPath,
  type LookupOptions,
  walkImage,
} from "./image-reader.ts";

/** Names of one directory that `list` takes into memory. */
const LIST_MAX = 1 << 20;
/** PATH_MAX of Linux: a target is shorter. */
const TARGET_MAX = 4096;
/** Bytes of directories that one lookup goes through, symlinks included. */
const LOOKUP_BYTES_MAX = 2 ** 31;

/** What every file system says of an inode. */
interface InodeHead {
  readonly kind: Kind;
  readonly size: number;
}

/** A file's bytes; the reader stays inside them. */
interface ReadableContents {
  read(target: Uint8Array, position: number): void;
}

/** One name in a directory, and the number of what it leads to. */
export interface NamedInode {
  readonly name: Uint8Array;
  readonly id: number;
}

/**
 * A file system of inodes with numbers and of directories that name them, read without a kernel.
 * A format adds how its inodes, directories and contents are found and checked.
 */
export abstract class FileSystemReader<Inode extends InodeHead> implements ImageReader {
  abstract readonly format: string;
  abstract readonly sizeBytes: number;
  abstract readonly root: ImageNode;
  /** The file that is being read, with the place it was read at last. */
  #open:
    { readonly id: number; readonly size: number; readonly contents: ReadableContents } | undefined;

  abstract stat(node: ImageNode): ImageStat;
  protected abstract inode(id: number): Inode;
  /** What an inode is, without reading more of it than that takes. */
  protected abstract kind(id: number): Kind;
  /** A directory's names but `.` and `..`, only lent. */
  protected abstract entries(inode: Inode): Iterable<NamedInode>;
  protected abstract contents(inode: Inode): ReadableContents;
  /** A symlink's target of `inode.size` bytes. */
  protected abstract target(inode: Inode): Uint8Array;
  protected abstract invalid(problem: string): WickError;
  protected abstract limit(problem: string): WickError;

  find(directory: ImageNode, name: Uint8Array): ImageNode | undefined {
    for (const entry of this.entries(this.inodeOf(directory, "directory"))) {
      if (equalBytes(entry.name, name)) return this.#node(entry.id);
    }
    return undefined;
  }

  list(directory: ImageNode): ImageEntry[] {
    const entries: ImageEntry[] = [];
    for (const { name, id } of this.entries(this.inodeOf(directory, "directory"))) {
      if (entries.length === LIST_MAX) {
        throw this.limit(`directory ${directory.id} has over ${LIST_MAX} names`);
      }
      entries.push({ name: name.slice(), node: this.#node(id) });
    }
    return entries.sort((a, b) => compareBytes(a.name, b.name));
  }

  readlink(node: ImageNode): Uint8Array {
    const inode = this.inodeOf(node, "symlink");
    if (inode.size >= 1 && inode.size < TARGET_MAX) return this.target(inode);
    throw this.invalid(`symlink ${node.id} has a target of ${inode.size} bytes`);
  }

  read(node: ImageNode, target: Uint8Array, position: number): number {
    if (this.#open?.id !== node.id) {
      const inode = this.inodeOf(node, "file");
      this.#open = { id: node.id, size: inode.size, contents: this.contents(inode) };
    }
    const { size, contents } = this.#open;
    const length = Math.max(0, Math.min(target.length, size - position));
    contents.read(target.subarray(0, length), position);
    return length;
  }

  lookup(path: Uint8Array, options?: LookupOptions): ImageNode {
    let bytesLeft = LOOKUP_BYTES_MAX;
    const find = (directory: ImageNode, name: Uint8Array) => {
      bytesLeft -= this.inodeOf(directory, "directory").size;
      if (bytesLeft < 0) throw this.limit("a path leads through too many directories");
      return this.find(directory, name);
    };
    const readlink = (node: ImageNode) => this.readlink(node);
    return lookupPath({ root: this.root, find, readlink }, path, options);
  }

  walk(directory: ImageNode = this.root): Generator<ImagePath, void> {
    return walkImage(this, directory);
  }

  /** The inode of a node, which must be what it was said to be. */
  protected inodeOf(node: ImageNode, kind: Kind): Inode {
    const inode = this.inode(node.id);
    if (inode.kind === kind) return inode;
    throw this.invalid(`inode ${node.id} is a ${inode.kind}, wanted a ${kind}`);
  }

  #node(id: number): ImageNode {
    return { id, kind: this.kind(id) };
  }
}
