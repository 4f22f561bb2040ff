import type { ReadableStorage } from "../../bytes/index.ts";
import type { WickError } from "../../errors/index.ts";
import type { Kind } from "../../tree/index.ts";
import { FileSystemReader, type NamedInode } from "../file-system-reader.ts";
import type { ImageNode, ImageStat } from "../image-reader.ts";
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

/** A symlink's target up to this lies in i_block itself. */
const FAST_TARGET_MAX = 59;

/**
 * An ext2, ext3 or ext4 file system, read without a kernel. What it holds is hostile: every
 * number is checked where it is used, and checksums wherever the image has them. A journal
 * is never replayed (`facts.needsRecovery`). Errors: IMAGE_INVALID, IMAGE_LIMIT, UNSUPPORTED.
 */
export class Ext4Image extends FileSystemReader<Ext4Inode> {
  readonly format = "ext4";
  readonly facts: Ext4Facts;
  readonly sizeBytes: number;
  readonly root: ImageNode = { id: INO.ROOT, kind: "directory" };
  readonly #volume: Volume;
  readonly #inodes: InodeReader;

  /** For {@link openExt4}. */
  constructor(volume: Volume) {
    super();
    this.#volume = volume;
    this.#inodes = new InodeReader(volume);
    this.facts = factsOf(volume.geometry);
    this.sizeBytes = volume.geometry.blocks * volume.geometry.blockSize;
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

  protected inode(ino: number): Ext4Inode {
    return this.#inodes.read(ino);
  }

  protected kind(ino: number): Kind {
    return this.#inodes.kind(ino);
  }

  protected entries(inode: Ext4Inode): Iterable<NamedInode> {
    return readEntries(this.#volume, inode);
  }

  protected contents(inode: Ext4Inode): Contents {
    return contentsOf(this.#volume, inode);
  }

  protected target(inode: Ext4Inode): Uint8Array {
    const { size, raw } = inode;
    if (isEncrypted(inode)) throw this.#volume.unsupported(`symlink ${inode.ino} is encrypted`);
    const slow = isInline(inode) || (raw.i_flags & INODE_FLAGS.EXTENTS) !== 0;
    if (!slow && size <= FAST_TARGET_MAX) return raw.i_block.slice(0, size);
    const target = new Uint8Array(size);
    contentsOf(this.#volume, inode).read(target, 0);
    return target;
  }

  protected invalid(problem: string): WickError {
    return this.#volume.invalid(problem);
  }

  protected limit(problem: string): WickError {
    return this.#volume.limit(problem);
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
