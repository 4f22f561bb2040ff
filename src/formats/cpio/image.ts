import type { ReadableStorage } from "../../bytes/index.ts";
import { isWickError, WickError } from "../../errors/index.ts";
import {
  findPath,
  NO_PLACE,
  type Sink,
  Tree,
  Unpacker,
  type Entry,
  type Ino,
} from "../../tree/index.ts";
import {
  type ImageEntry,
  type ImageNode,
  type ImagePath,
  type ImageReader,
  type ImageStat,
  lookupPath,
  type LookupOptions,
  walkImage,
} from "../image-reader.ts";
import { CpioReader, type CpioVisitor, type ReadCpioEntry } from "./reader.ts";

/** Names of one initramfs; the tree of so many takes half a gigabyte. */
const INODES_MAX = 1 << 20;
const READ_BYTES = 1 << 20;

/** Where a file's data lies. */
interface Extent {
  readonly storage: ReadableStorage;
  readonly position: number;
}

/**
 * Archives as the tree that a kernel would unpack: later ones override earlier ones. Storages
 * are added in order and stay open as long as the image is read.
 */
export class CpioImage implements ImageReader {
  readonly format = "initramfs";
  readonly root: ImageNode = { id: Tree.ROOT, kind: "directory" };
  sizeBytes = 0;
  readonly #tree = new Tree();
  readonly #extents: Extent[] = [];

  /**
   * Reads the archives of `storage`; returns where something else begins, if it does. Errors:
   * IMAGE_INVALID, IMAGE_LIMIT.
   */
  add(storage: ReadableStorage): number | undefined {
    try {
      return this.#add(storage);
    } catch (error) {
      throw asImageError(error);
    }
  }

  find({ id }: ImageNode, name: Uint8Array): ImageNode | undefined {
    const ino = this.#tree.lookup(id, name);
    return ino < 0 ? undefined : this.#node(ino);
  }

  list({ id }: ImageNode): ImageEntry[] {
    return this.#tree
      .list(id)
      .map(({ name, ino }) => ({ name: name.slice(), node: this.#node(ino) }));
  }

  stat({ id, kind }: ImageNode): ImageStat {
    const { inodes } = this.#tree;
    const rdev = inodes.rdev(id);
    const size = kind === "symlink" ? inodes.target(id)!.length : inodes.size(id);
    const nlink = kind === "directory" ? 2 : inodes.nameCount(id);
    return { ...inodes.metadata(id), kind, size, nlink, ...(rdev && { rdev }) };
  }

  readlink({ id }: ImageNode): Uint8Array {
    return this.#tree.inodes.target(id)!;
  }

  read({ id }: ImageNode, target: Uint8Array, position: number): number {
    const { inodes } = this.#tree;
    const length = Math.max(0, Math.min(target.length, inodes.size(id) - position));
    if (length === 0) return 0;
    const extent = this.#extents[inodes.place(id)]!;
    return extent.storage.readAt(target.subarray(0, length), extent.position + position);
  }

  lookup(path: Uint8Array, options?: LookupOptions): ImageNode {
    return lookupPath(this, path, options);
  }

  walk(directory: ImageNode = this.root): Generator<ImagePath, void> {
    return walkImage(this, directory);
  }

  #node(id: Ino): ImageNode {
    return { id, kind: this.#tree.inodes.kind(id) };
  }

  #add(storage: ReadableStorage): number | undefined {
    let foreign: number | undefined;
    const layer = new ArchiveLayer(this.#tree, this.#extents, storage);
    const visitor: CpioVisitor = {
      entry: (entry) => layer.entry(entry),
      data: () => layer.data(reader.positionBytes),
      endArchive: () => layer.endArchive(),
      foreign: (position) => void (foreign = position),
    };
    const reader = new CpioReader(visitor);
    const buffer = new Uint8Array(READ_BYTES);
    for (let at = 0, count = 1; count > 0; at += count) {
      count = foreign === undefined ? storage.readAt(buffer, at) : 0;
      reader.push(buffer.subarray(0, count));
    }
    if (foreign === undefined) reader.end();
    this.sizeBytes += storage.sizeBytes;
    return foreign;
  }
}

/** One storage's archives, entry by entry, into a tree. */
class ArchiveLayer {
  readonly #tree: Tree;
  readonly #extents: Extent[];
  readonly #storage: ReadableStorage;
  readonly #unpacker: Unpacker;
  /** The first names of files with several, by device and inode, within one archive. */
  readonly #first = new Map<string, Uint8Array>();
  /** The file whose data comes, and where that began. */
  #file: Ino = -1;
  #size = 0;

  constructor(tree: Tree, extents: Extent[], storage: ReadableStorage) {
    this.#tree = tree;
    this.#extents = extents;
    this.#storage = storage;
    const warn = (): void => undefined;
    this.#unpacker = new Unpacker({ tree, sink: noSink, warn, maxInodes: INODES_MAX });
  }

  entry(entry: ReadCpioEntry): void {
    const key = linkKey(entry);
    const first = key === undefined ? undefined : this.#first.get(key);
    if (key !== undefined && first === undefined) this.#first.set(key, entry.path);
    const { mtime: seconds, kind, ...rest } = entry;
    const base = { ...rest, mtime: { seconds, nanoseconds: 0 }, xattrs: [], size: 0 };
    const made: Entry =
      first === undefined ? { ...base, type: kind } : { ...base, type: "hardlink", target: first };
    this.#unpacker.entry(made);
    if (made.type === "file") this.#unpacker.endFile();
    this.#file = kind === "file" && entry.size > 0 ? this.#find(entry.path) : -1;
    this.#size = entry.size;
  }

  /** The first piece says where the data lies. */
  data(position: number): void {
    if (this.#file < 0) return;
    const place = this.#extents.push({ storage: this.#storage, position }) - 1;
    this.#tree.inodes.setContents(this.#file, { place, size: this.#size });
    this.#file = -1;
  }

  endArchive(): void {
    this.#unpacker.finish();
    this.#first.clear();
  }

  #find(path: Uint8Array): Ino {
    const ino = findPath(this.#tree, path, { follow: "parents" });
    return ino >= 0 && this.#tree.inodes.kind(ino) === "file" ? ino : -1;
  }
}

/** As the kernel has it (init/initramfs.c, maybe_link): symlinks have one name each. */
function linkKey({ kind, nlink, ino, device }: ReadCpioEntry): string | undefined {
  if (nlink < 2 || kind === "directory" || kind === "symlink") return undefined;
  return `${kind}:${device.major}:${device.minor}:${ino}`;
}

/** Data stays where it is. */
const noSink: Sink = {
  begin: () => undefined,
  data: () => undefined,
  hole: () => undefined,
  end: () => NO_PLACE,
  discard: () => undefined,
  read: (_place, target) => void target.fill(0),
};

/** What an archive is, as an image; a failing disk stays one. */
function asImageError(error: unknown): unknown {
  if (!isWickError(error) || !/^(ARCHIVE|PATH|IMAGE|VALUE)_/.test(error.code)) return error;
  const isLimit = error.code === "ARCHIVE_LIMIT" || error.code === "IMAGE_LIMIT";
  return new WickError(isLimit ? "IMAGE_LIMIT" : "IMAGE_INVALID", error.message, { cause: error });
}
