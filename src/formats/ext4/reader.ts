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
import { INO, INODE_FLAGS } from "./layout-flags.ts";
import { contentsOf, type Contents } from "./reader-contents.ts";
import { readEntries } from "./reader-directory.ts";
import {
  InodeReader,
  isEncrypted,
  isInline,
  mtimeOf,
  rdevOf,
  type Ext4Inode,
} from "./reader-inodes.ts";
import { factsOf, type Ext4Facts } from "./reader-superblock.ts";
import { Volume } from "./reader-volume.ts";
import { readXattrs } from "./reader-xattrs.ts";

/** Names of one directory that `list` takes into memory. */
const LIST_MAX = 1 << 20;
/** PATH_MAX of Linux. */
const TARGET_MAX = 4096;
/** Bytes of directories that one lookup goes through, symlinks included. */
const LOOKUP_BYTES_MAX = 2 ** 31;
/** A symlink's target up to this lies in i_block itself. */
const FAST_TARGET_MAX = 59;

/**
 * An ext2, ext3 or ext4 file system, read without a kernel. What it holds is hostile: every
 * number is checked where it is used, and checksums wherever the image has them. A journal
 * is never replayed (`facts.needsRecovery`). Errors: IMAGE_INVALID, IMAGE_LIMIT, UNSUPPORTED.
 */
export class Ext4Image implements ImageReader {
  readonly format = "ext4";
  readonly facts: Ext4Facts;
  readonly sizeBytes: number;
  readonly root: ImageNode = { id: INO.ROOT, kind: "directory" };
  readonly #volume: Volume;
  readonly #inodes: InodeReader;
  /** The file that is being read, with the place it was read at last. */
  #open: { readonly inode: Ext4Inode; readonly contents: Contents } | undefined;

  /** For {@link openExt4}. */
  constructor(volume: Volume) {
    this.#volume = volume;
    this.#inodes = new InodeReader(volume);
    this.facts = factsOf(volume.geometry);
    this.sizeBytes = volume.geometry.blocks * volume.geometry.blockSize;
  }

  find(directory: ImageNode, name: Uint8Array): ImageNode | undefined {
    for (const entry of readEntries(this.#volume, this.#inode(directory, "directory"))) {
      if (equalBytes(entry.name, name)) return this.#node(entry.ino);
    }
    return undefined;
  }

  list(directory: ImageNode): ImageEntry[] {
    const entries: ImageEntry[] = [];
    for (const { name, ino } of readEntries(this.#volume, this.#inode(directory, "directory"))) {
      if (entries.length === LIST_MAX) {
        throw this.#volume.limit(`directory ${directory.id} has over ${LIST_MAX} names`);
      }
      entries.push({ name: name.slice(), node: this.#node(ino) });
    }
    return entries.sort((a, b) => compareBytes(a.name, b.name));
  }

  stat(node: ImageNode): ImageStat {
    const inode = this.#inodes.read(node.id);
    const { raw, kind } = inode;
    return {
      kind,
      mode: raw.i_mode & 0o7777,
      uid: raw.i_uid + raw.l_i_uid_high * 0x10000,
      gid: raw.i_gid + raw.l_i_gid_high * 0x10000,
      mtime: mtimeOf(inode),
      size: inode.size,
      nlink: raw.i_links_count,
      ...(kind === "char" || kind === "block" ? { rdev: rdevOf(inode) } : {}),
      xattrs: readXattrs(this.#volume, inode, (ino, size) => this.#value(ino, size)),
    };
  }

  readlink(node: ImageNode): Uint8Array {
    const inode = this.#inode(node, "symlink");
    const { size, raw } = inode;
    if (size < 1 || size >= TARGET_MAX) {
      throw this.#volume.invalid(`symlink ${inode.ino} has a target of ${size} bytes`);
    }
    if (isEncrypted(inode)) throw this.#volume.unsupported(`symlink ${inode.ino} is encrypted`);
    const slow = isInline(inode) || (raw.i_flags & INODE_FLAGS.EXTENTS) !== 0;
    if (!slow && size <= FAST_TARGET_MAX) return raw.i_block.slice(0, size);
    const target = new Uint8Array(size);
    contentsOf(this.#volume, inode).read(target, 0);
    return target;
  }

  read(node: ImageNode, target: Uint8Array, position: number): number {
    if (this.#open?.inode.ino !== node.id) {
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

  #node(ino: number): ImageNode {
    return { id: ino, kind: this.#inodes.kind(ino) };
  }

  #inode(node: ImageNode, kind: ImageNode["kind"]): Ext4Inode {
    const inode = this.#inodes.read(node.id);
    if (inode.kind === kind) return inode;
    throw this.#volume.invalid(`inode ${node.id} is a ${inode.kind}, wanted a ${kind}`);
  }

  /** An extended attribute's value in an inode of its own (ea_inode). */
  #value(ino: number, size: number): Uint8Array {
    const inode = this.#inodes.read(ino);
    if ((inode.raw.i_flags & INODE_FLAGS.EA_INODE) === 0 || inode.size !== size) {
      throw this.#volume.invalid(`inode ${ino} holds no attribute of ${size} bytes`);
    }
    const value = new Uint8Array(size);
    contentsOf(this.#volume, inode).read(value, 0);
    return value;
  }
}

/**
 * Opens an ext2, ext3 or ext4 image; `what` names it in errors. Errors: IMAGE_INVALID, and
 * UNSUPPORTED for features that cannot be followed (bigalloc, compression, external journals).
 */
export function openExt4(storage: ReadableStorage, what = "the ext4 image"): Ext4Image {
  return new Ext4Image(new Volume(storage, what));
}
