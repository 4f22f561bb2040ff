import type { ReadableStorage } from "../../bytes/index.ts";
import type { WickError } from "../../errors/index.ts";
import type { Kind } from "../../tree/index.ts";
import { FileSystemReader, type NamedInode } from "../file-system-reader.ts";
import type { ImageNode, ImageStat } from "../image-reader.ts";
import { contentsOf, type Contents } from "./reader-contents.ts";
import { readEntries } from "./reader-directory.ts";
import { InodeReader, rdevOf, type ErofsInode } from "./reader-inodes.ts";
import { factsOf, type ErofsFacts } from "./reader-superblock.ts";
import { Volume } from "./reader-volume.ts";
import { readXattrs } from "./reader-xattrs.ts";

/**
 * An EROFS file system, read without a kernel. What it holds is hostile: every number is
 * checked where it is used. Contents that are compressed cannot be read (UNSUPPORTED), all
 * else of such an image can. Errors: IMAGE_INVALID, IMAGE_LIMIT, UNSUPPORTED.
 */
export class ErofsImage extends FileSystemReader<ErofsInode> {
  readonly format = "erofs";
  readonly facts: ErofsFacts;
  readonly sizeBytes: number;
  readonly root: ImageNode;
  readonly #volume: Volume;
  readonly #inodes: InodeReader;

  /** For {@link openErofs}. */
  constructor(volume: Volume) {
    super();
    this.#volume = volume;
    this.#inodes = new InodeReader(volume);
    this.facts = factsOf(volume.geometry);
    this.sizeBytes = volume.sizeBytes;
    this.root = { id: volume.geometry.raw.root_nid, kind: "directory" };
    this.inodeOf(this.root, "directory");
  }

  stat(node: ImageNode): ImageStat {
    const inode = this.#inodes.read(node.id);
    const { kind, mode, uid, gid, mtime, size, nlink } = inode;
    const isDevice = kind === "char" || kind === "block";
    const xattrs = readXattrs(this.#volume, inode);
    const rdev = isDevice ? { rdev: rdevOf(inode) } : {};
    return { kind, mode, uid, gid, mtime, size, nlink, ...rdev, xattrs };
  }

  protected inode(nid: number): ErofsInode {
    return this.#inodes.read(nid);
  }

  protected kind(nid: number): Kind {
    return this.#inodes.kind(nid);
  }

  protected entries(inode: ErofsInode): Iterable<NamedInode> {
    return readEntries(this.#volume, inode);
  }

  protected contents(inode: ErofsInode): Contents {
    return contentsOf(this.#volume, inode);
  }

  protected target(inode: ErofsInode): Uint8Array {
    const target = new Uint8Array(inode.size);
    contentsOf(this.#volume, inode).read(target, 0);
    return target;
  }

  protected invalid(problem: string): WickError {
    return this.#volume.invalid(problem);
  }

  protected limit(problem: string): WickError {
    return this.#volume.limit(problem);
  }
}

/**
 * Opens an EROFS image; `what` names it in errors. Errors: IMAGE_INVALID, and UNSUPPORTED for
 * features that cannot be followed (parts in other files, inodes of newer kernels).
 */
export function openErofs(storage: ReadableStorage, what = "the EROFS image"): ErofsImage {
  return new ErofsImage(new Volume(storage, what));
}
