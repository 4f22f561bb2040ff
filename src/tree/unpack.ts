import { WickError } from "../errors/index.ts";
import { withoutDotDot } from "./archive-path.ts";
import type { Entry, Layer, LayerVisitor, Metadata, Xattr } from "./entry.ts";
import { checkNode, checkPath, conflict } from "./entry-check.ts";
import { HardLinks, linkTo } from "./hard-links.ts";
import type { Ino } from "./inodes.ts";
import type { Kind } from "./kinds.ts";
import { LayerNames } from "./layer-names.ts";
import { findPath, locatePath, placeFor, type Location } from "./resolve.ts";
import { NO_PLACE, type Sink } from "./sink.ts";
import { Tree } from "./tree.ts";
import { MAX_INODES, MAX_METADATA_BYTES, tooLarge, tooMany } from "./unpack-limits.ts";
import { whiteoutOf, type Whiteout } from "./whiteouts.ts";
import { XattrLists } from "./xattr-lists.ts";

/** What an unpacker works on and how. */
export interface UnpackOptions {
  readonly tree: Tree;
  readonly sink: Sink;
  readonly warn: (message: string) => void;
  /**
   * `replace`, the default, is containerd's rule: a directory that meets a symlink to a
   * directory, or the reverse, replaces it. `keep` is dpkg's: what is there stays, so that
   * packages with /lib fit a merged /usr.
   */
  readonly directoryLinks?: "replace" | "keep";
  /** How names that begin with `.wh.` are taken: absent, as any other. */
  readonly whiteouts?: Layer["whiteouts"];
  /** Inodes that the tree may get; passing it is ARCHIVE_LIMIT. */
  readonly maxInodes?: number;
  /** Bytes of attributes, symlinks' texts and waiting hard links that it may keep; else ARCHIVE_LIMIT. */
  readonly maxMetadataBytes?: number;
}

/** What an attribute costs beside its bytes, about. */
const XATTR_COST_BYTES = 200;
/** In place of the file whose contents are coming: none, or one that is left out. */
const NO_FILE: Ino = -1;
const LEFT_OUT: Ino = -2;

/**
 * Turns layers' entries into a tree and their contents into places of a sink. Entries are
 * taken as if each were made in turn inside the root: the later of two wins, symlinked parents
 * are followed within, missing ones are made 0755 root. `finish` ends a layer, after which a
 * further one may be played on top.
 */
export class Unpacker implements LayerVisitor {
  readonly #tree: Tree;
  readonly #sink: Sink;
  readonly #options: UnpackOptions;
  readonly #maxInodes: number;
  /** Of {@link UnpackOptions.maxMetadataBytes}, what is left. */
  #metadataLeft: number;
  readonly #hardLinks: HardLinks;
  readonly #xattrs = new XattrLists();
  /** Kept where whiteouts are: they only meet what lower layers have. */
  readonly #layer: LayerNames | undefined;
  /** The file whose contents are coming, its size as stated and as seen. */
  #file: Ino = NO_FILE;
  #wanted = 0;
  #seen = 0;

  constructor(options: UnpackOptions) {
    this.#options = options;
    this.#tree = options.tree;
    this.#sink = options.sink;
    this.#maxInodes = options.maxInodes ?? MAX_INODES;
    this.#metadataLeft = options.maxMetadataBytes ?? MAX_METADATA_BYTES;
    this.#hardLinks = new HardLinks(options.tree);
    if (options.whiteouts === "oci") this.#layer = new LayerNames(options.tree, this.#discard);
  }

  entry(entry: Entry): void {
    checkPath(entry);
    const path = withoutDotDot(entry.path);
    const whiteout = this.#layer && whiteoutOf(path);
    if (whiteout !== undefined) return this.#whiteout(entry, whiteout);
    checkNode(entry);
    const place = placeFor(this.#tree, path);
    if (place.name.length === 0) this.#root(entry);
    else if (entry.type === "hardlink") this.#hardLink(entry, place);
    else if (entry.type === "directory") this.#directory(entry, place);
    else this.#node(entry, entry.type, place);
    this.#layer?.add(place);
    if (this.#tree.inodes.count > this.#maxInodes) throw tooMany(this.#maxInodes);
  }

  data(chunk: Uint8Array): void {
    if (this.#file === LEFT_OUT) return;
    this.#seen += chunk.length;
    this.#sink.data(chunk);
  }

  hole(lengthBytes: number): void {
    if (this.#file === LEFT_OUT) return;
    this.#seen += lengthBytes;
    this.#sink.hole(lengthBytes);
  }

  endFile(): void {
    if (this.#file === LEFT_OUT) return void (this.#file = NO_FILE);
    const place = this.#sink.end();
    if (this.#seen !== this.#wanted) {
      const is = `it has ${this.#seen} bytes, its entry says ${this.#wanted}`;
      throw new WickError("INTERNAL", `Cannot take a file's contents: ${is}`);
    }
    this.#tree.inodes.setContents(this.#file, { place, size: this.#seen });
    this.#file = NO_FILE;
  }

  warn(message: string): void {
    this.#options.warn(message);
  }

  /** Ends the layer: hard links that came before their targets are made now. */
  finish(): void {
    this.#hardLinks.finish();
    this.#layer?.next();
  }

  /** Takes away what a whiteout names, and leaves out the whiteout. */
  #whiteout(entry: Entry, whiteout: Whiteout): void {
    if (entry.type === "file") this.#file = LEFT_OUT;
    if (whiteout.kind === "hides") this.#layer!.hide(whiteout.path);
    else if (whiteout.kind === "opaque") this.#layer!.empty(whiteout.path);
  }

  #metadata(entry: Entry): Metadata {
    const xattrs = this.#xattrs.shared(entry);
    if (xattrs === entry.xattrs) for (const xattr of xattrs) this.#keep(costOf(xattr));
    return { ...entry, xattrs };
  }

  /** Counts bytes that stay in memory until the image is written. */
  #keep(bytes: number): void {
    this.#metadataLeft -= bytes;
    if (this.#metadataLeft < 0) {
      throw tooLarge(this.#options.maxMetadataBytes ?? MAX_METADATA_BYTES);
    }
  }

  /** `./` describes the root itself. */
  #root(entry: Entry): void {
    if (entry.type !== "directory") throw conflict(entry, "the root can only be a directory");
    this.#tree.inodes.setMetadata(Tree.ROOT, this.#metadata(entry));
  }

  #directory(entry: Entry, place: Location): void {
    const isDirectory = place.ino >= 0 && this.#tree.inodes.kind(place.ino) === "directory";
    if (isDirectory) this.#tree.inodes.setMetadata(place.ino, this.#metadata(entry));
    else if (!this.#keepsLink(entry, place)) this.#make(entry, "directory", place);
  }

  #node(entry: Entry, kind: Kind, place: Location): void {
    if (kind === "symlink" && this.#keepsDirectory(place)) return;
    if (kind === "symlink") this.#keep(entry.target!.length);
    const ino = this.#make(entry, kind, place);
    if (kind === "symlink") this.#tree.inodes.setTarget(ino, entry.target!);
    else if (kind === "char" || kind === "block") this.#tree.inodes.setRdev(ino, entry.rdev!);
    else if (kind === "file") this.#begin(ino, entry.size);
  }

  #begin(ino: Ino, size: number): void {
    this.#file = ino;
    this.#wanted = size;
    this.#seen = 0;
    this.#sink.begin();
  }

  #make(entry: Entry, kind: Kind, place: Location): Ino {
    const { directory, name } = place;
    const metadata = this.#metadata(entry);
    if (place.ino < 0) return this.#tree.create(directory, name, kind, metadata);
    const ino = this.#tree.inodes.add(kind, metadata);
    this.#tree.replace(directory, name, ino, this.#discard);
    return ino;
  }

  #hardLink(entry: Entry, place: Location): void {
    const path = withoutDotDot(entry.target!);
    const target = locatePath(this.#tree, path, { follow: "parents" });
    if (target !== undefined && target.ino >= 0) {
      linkTo(this.#tree, place, target.ino, path, this.#discard);
      return;
    }
    if (place.ino >= 0) this.#tree.remove(place.directory, place.name, this.#discard);
    this.#keep(place.name.length + path.length);
    this.#hardLinks.add(place, path);
  }

  #keepsLink(entry: Entry, place: Location): boolean {
    if (this.#options.directoryLinks !== "keep" || place.ino < 0) return false;
    if (this.#tree.inodes.kind(place.ino) !== "symlink") return false;
    const ino = findPath(this.#tree, withoutDotDot(entry.path));
    return ino >= 0 && this.#tree.inodes.kind(ino) === "directory";
  }

  #keepsDirectory(place: Location): boolean {
    if (this.#options.directoryLinks !== "keep" || place.ino < 0) return false;
    return this.#tree.inodes.kind(place.ino) === "directory";
  }

  readonly #discard = (ino: Ino): void => {
    const place = this.#tree.inodes.place(ino);
    if (place !== NO_PLACE) this.#sink.discard(place);
  };
}

function costOf({ name, value }: Xattr): number {
  return name.length + value.length + XATTR_COST_BYTES;
}
