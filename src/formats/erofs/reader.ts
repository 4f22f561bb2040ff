import { compareBytes, equalBytes, type ReadableStorage } from "../../bytes/index.ts";
import {
  lookupPath,
  walkImage,
  type ImageEntry,
  type ImageNode,
  type ImagePath,
  type ImageReader,
  type ImageStat,
  type LookupOptions,
} from "../image-reader.ts";
import { contentsOf, type Contents } from "./reader-contents.ts";
import { readEntries } from "./reader-directory.ts";
import { InodeReader, rdevOf, type ErofsInode } from "./reader-inodes.ts";
import { factsOf, type ErofsFacts } from "./reader-superblock.ts";
import { Volume } from "./reader-volume.ts";
import { readXattrs } from "./reader-xattrs.ts";

/** Names of one directory that `list` takes into memory. */
const LIST_MAX = 1 << 20;
/** PATH_MAX of Linux. */
const TARGET_MAX = 4096;
/** Bytes of directories that one lookup goes through, symlinks included. */
const LOOKUP_BYTES_MAX = 2 ** 31;

/**
 * An EROFS file system, read without a kernel. What it holds is hostile: every number is
 * checked where it is used. Contents that are compressed cannot be read (UNSUPPORTED), all
 * else of such an image can. Errors: IMAGE_INVALID, IMAGE_LIMIT, UNSUPPORTED.
 */
export class ErofsImage implements ImageReader {
  readonly format = "erofs";
  readonly facts: ErofsFacts;
  readonly sizeBytes: number;
  readonly root: ImageNode;
  readonly #volume: Volume;
  readonly #inodes: InodeReader;
  /** The file that is being read. */
  #open: { readonly inode: ErofsInode; readonly contents: Contents } | undefined;

  /** For {@link openErofs}. */
  constructor(volume: Volume) {
    this.#volume = volume;
    this.#inodes = new InodeReader(volume);
    this.facts = factsOf(volume.geometry);
    this.sizeBytes = volume.sizeBytes;
    this.root = { id: volume.geometry.raw.root_nid, kind: "directory" };
    this.#inode(this.root, "directory");
  }

  find(directory: ImageNode, name: Uint8Array): ImageNode | undefined {
    for (const entry of readEntries(this.#volume, this.#inode(directory, "directory"))) {
      if (equalBytes(entry.name, name)) return this.#node(entry.nid);
    }
    return undefined;
  }

  list(directory: ImageNode): ImageEntry[] {
    const entries: ImageEntry[] = [];
    for (const { name, nid } of readEntries(this.#volume, this.#inode(directory, "directory"))) {
      if (entries.length === LIST_MAX) {
        throw this.#volume.limit(`directory ${directory.id} has over ${LIST_MAX} names`);
      }
      entries.push({ name: name.slice(), node: this.#node(nid) });
    }
    return entries.sort((a, b) => compareBytes(a.name, b.name));
  }

  stat(node: ImageNode): ImageStat {
    const inode = this.#inodes.read(node.id);
    const { kind, mode, uid, gid, mtime, size, nlink } = inode;
    const isDevice = kind === "char" || kind === "block";
    const xattrs = readXattrs(this.#volume, inode);
    const rdev = isDevice ? { rdev: rdevOf(inode) } : {};
    return { kind, mode, uid, gid, mtime, size, nlink, ...rdev, xattrs };
  }

  readlink(node: ImageNode): Uint8Array {
    const inode = this.#inode(node, "symlink");
    const { size } = inode;
    if (size < 1 || size >= TARGET_MAX) {
      throw this.#volume.invalid(`symlink ${inode.nid} has a target of ${size} bytes`);
    }
    const target = new Uint8Array(size);
    contentsOf(this.#volume, inode).read(target, 0);
    return target;
  }

  read(node: ImageNode, target: Uint8Array, position: number): number {
    if (this.#open?.inode.nid !== node.id) {
      const inode = this.#inode(node, "file");
      this.#open = { inode, contents: contentsOf(this.#volume, inode) };
    }
    const { inode, contents } = this.#open;
    const length = Math.max(0, Math.min(target.length, inode.size - position));
    contents.read(target.subarray(0, length), position);
    return length;
  }

  lookup(path: Uint8Array, options?: LookupOptions): ImageNode {
    let bytesLeft = LOOKUP_BYTES_MAX;
    const find = (directory: ImageNode, name: Uint8Array) => {
      bytesLeft -= this.#inode(directory, "directory").size;
      if (bytesLeft < 0) throw this.#volume.limit("a path leads through too many directories");
      return this.find(directory, name);
    };
    const readlink = (node: ImageNode) => this.readlink(node);
    return lookupPath({ root: this.root, find, readlink }, path, options);
  }

  walk(directory: ImageNode = this.root): Generator<ImagePath, void> {
    return walkImage(this, directory);
  }

  #node(nid: number): ImageNode {
    return { id: nid, kind: this.#inodes.kind(nid) };
  }

  #inode(node: ImageNode, kind: ImageNode["kind"]): ErofsInode {
    const inode = this.#inodes.read(node.id);
    if (inode.kind === kind) return inode;
    throw this.#volume.invalid(`inode ${node.id} is a ${inode.kind}, wanted a ${kind}`);
  }
}

/**
 * Opens an EROFS image; `what` names it in errors. Errors: IMAGE_INVALID, and UNSUPPORTED for
 * features that cannot be followed (parts in other files, inodes of newer kernels).
 */
export function openErofs(storage: ReadableStorage, what = "the EROFS image"): ErofsImage {
  return new ErofsImage(new Volume(storage, what));
}
