import { isZero } from "../../bytes/index.ts";
import type { LayerVisitor } from "../../tree/index.ts";
import { aclsOf } from "./acl.ts";
import { BlockBuffer } from "./block-buffer.ts";
import { Contents } from "./contents.ts";
import { kindOfHeader, makeEntry, pathOf, payloadBytes } from "./entry.ts";
import { Extended } from "./extended.ts";
import { paxSparse, type PaxSparse } from "./gnu-sparse.ts";
import { readHeader, type Header } from "./header.ts";
import { BLOCK, typeflags } from "./layout.ts";
import { DEFAULT_LIMITS, type TarLimits } from "./limits.ts";
import {
  readOldExtension,
  readOldMap,
  readRealSize,
  SparseMap,
  SparseMapReader,
} from "./sparse.ts";
import { Where } from "./where.ts";

/** What the reader waits for. */
type State =
  | "header"
  | "extended" // the payload of a header of type x, g, L or K
  | "old sparse" // a further header of a type S file
  | "sparse map" // the map before the data of a pax sparse file
  | "data"
  | "skip" // a payload that nobody wants
  | "padding"
  | "zero block" // the first of the two that end an archive
  | "end";

const extendedTypes: ReadonlySet<number> = new Set([
  typeflags.XHDTYPE,
  typeflags.SOLARIS_XHDTYPE,
  typeflags.XGLTYPE,
  typeflags.GNUTYPE_LONGNAME,
  typeflags.GNUTYPE_LONGLINK,
]);

const longNames: ReadonlySet<number> = new Set([
  typeflags.GNUTYPE_LONGNAME,
  typeflags.GNUTYPE_LONGLINK,
]);

/** A file between its header and its data. */
interface PendingFile {
  readonly block: Uint8Array;
  readonly header: Header;
  /** Bytes of the file, holes included. */
  readonly realSize: number;
}

/**
 * Reads a tar archive that is pushed in chunks of any size and plays it to a visitor: v7,
 * ustar, pax, GNU, old and new sparse files. Contents are passed on as parts of the pushed
 * chunks, without copying. What GNU tar reads without complaint gives the same entries; where
 * readers are known to disagree it is an error. Throws ARCHIVE_INVALID and ARCHIVE_LIMIT.
 */
export class TarReader {
  readonly #visitor: LayerVisitor;
  readonly #limits: TarLimits;
  readonly #where = new Where();
  readonly #blocks = new BlockBuffer();
  readonly #extended: Extended;
  readonly #contents: Contents;
  #state: State = "header";
  /** Bytes pushed so far, up to the chunk being read. */
  #offset = 0;
  /** Bytes of the current payload still to come, and of its padding. */
  #remaining = 0;
  #padding = 0;
  #entries = 0;
  #payload = new Uint8Array(0);
  #payloadType = 0;
  #file: PendingFile | undefined;
  #oldMap = new SparseMap();
  #mapReader = new SparseMapReader();

  constructor(visitor: LayerVisitor, limits: Partial<TarLimits> = {}) {
    this.#visitor = visitor;
    this.#limits = { ...DEFAULT_LIMITS, ...limits };
    this.#extended = new Extended(this.#limits);
    this.#contents = new Contents(visitor);
  }

  /** Reads the next bytes of the archive; they are only lent. */
  push(bytes: Uint8Array): void {
    // A Buffer's slice() is a view and no copy: work on the plain array below it.
    const chunk = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
    let at = 0;
    while (at < chunk.length) at = this.#step(chunk, at);
    this.#offset += chunk.length;
  }

  /** Where the next byte stands in the archive. */
  get offset(): number {
    return this.#offset;
  }

  /** Whether the archive has said that nothing more comes. */
  get isAtEnd(): boolean {
    return this.#state === "end";
  }

  /**
   * Bytes ahead that can be passed over without being looked at: the rest of a file's plain
   * contents, or of padding. 0 where the next bytes say how it goes on.
   */
  get passableBytes(): number {
    if (this.#state === "data") return this.#contents.isPlain ? this.#remaining : 0;
    const isSkipped = this.#state === "skip" || this.#state === "padding";
    return isSkipped ? this.#remaining + this.#padding : 0;
  }

  /** Passes over {@link passableBytes}, as if they had been pushed; the visitor gets no data. */
  pass(): void {
    this.#offset += this.passableBytes;
    this.#remaining = 0;
    if (this.#state === "data") return this.#endData(true);
    this.#padding = 0;
    this.#finishPayload();
  }

  /**
   * Says that no more bytes come. An archive may end without zero blocks, but only between
   * entries; one of no bytes at all is refused, as GNU tar does. Where something else says that
   * nothing was cut off, the zeros behind the last entry's contents may lack, or everything.
   */
  end({ mayLackPadding = false }: { readonly mayLackPadding?: boolean } = {}): void {
    const { state, missing } = this.#missing();
    const isWhole = state === "padding" && mayLackPadding;
    if (!isWhole && state !== undefined) {
      throw this.#where.invalid(`it ends in the ${state}, ${missing} bytes too early`);
    }
    if (this.#extended.pending) throw this.#where.invalid("an extended header without an entry");
    if (this.#offset === 0 && !mayLackPadding)
      throw this.#where.invalid("empty, not a tar archive");
  }

  /** What the archive ended in, and how many bytes of it are missing at least. */
  #missing(): { state: string | undefined; missing: number } {
    if (this.#blocks.length > 0) {
      const state = this.#state === "zero block" ? "second zero block" : this.#state;
      return { state, missing: BLOCK - this.#blocks.length };
    }
    if (this.#state === "header" || this.#state === "zero block" || this.#state === "end") {
      return { state: undefined, missing: 0 };
    }
    const inBlocks = this.#state === "old sparse" || this.#state === "sparse map";
    return { state: this.#state, missing: inBlocks ? BLOCK : this.#remaining + this.#padding };
  }

  /** Reads on at `at` of `chunk` and returns where it stopped, at least one byte further. */
  #step(chunk: Uint8Array, at: number): number {
    switch (this.#state) {
      case "data":
        return this.#data(chunk, at);
      case "extended":
        return this.#extendedPayload(chunk, at);
      case "skip":
      case "padding":
        return this.#skip(chunk, at);
      case "end":
        return chunk.length;
      default:
        return this.#block(chunk, at);
    }
  }

  #block(chunk: Uint8Array, at: number): number {
    if (this.#state === "header" && this.#blocks.length === 0 && !this.#extended.pending) {
      this.#where.name = undefined;
      this.#where.offset = this.#offset + at;
    }
    const end = this.#blocks.fill(chunk, at);
    const block = this.#blocks.take(chunk, at);
    if (block !== undefined) this.#takeBlock(block);
    return end;
  }

  #takeBlock(block: Uint8Array): void {
    if (this.#state === "header") this.#header(block);
    else if (this.#state === "old sparse") this.#oldSparse(block);
    else if (this.#state === "sparse map") this.#sparseMap(block);
    else if (isZero(block)) this.#state = "end";
    // GNU tar stops with a warning, Go refuses.
    else throw this.#where.invalid("a single zero block is followed by other data");
  }

  #header(block: Uint8Array): void {
    if (isZero(block)) return this.#zeroBlock();
    const header = readHeader(block, this.#where);
    if (++this.#entries > this.#limits.entries) {
      throw this.#where.limit(`more than ${this.#limits.entries} entries`, "entries");
    }
    if (extendedTypes.has(header.typeflag)) return this.#startExtended(header);
    this.#where.name = pathOf(header, this.#extended);
    const payload = payloadBytes(header, this.#extended, this.#where);
    this.#setRemaining(payload);
    const kind = kindOfHeader(header);
    if (kind === undefined || kind === "socket") return this.#leaveOut(header);
    this.#warnOfAcls();
    const sparse = paxSparse(this.#extended, this.#where);
    if (kind === "file") return this.#startFile(block, header, { payload, sparse });
    if (sparse !== undefined) throw this.#where.invalid("sparse, but not a file");
    this.#visitor.entry(makeEntry(block, header, this.#extended, 0, this.#where));
    this.#extended.reset();
    this.#state = "skip";
    this.#finishPayload();
  }

  #warnOfAcls(): void {
    if (this.#extended.isPlain) return;
    for (const key of aclsOf(this.#extended.records()).unreadable) {
      const what = `its ${key}: it names users or groups without their numbers`;
      this.#visitor.warn(`Left out of ${this.#where.toString()} ${what}`);
    }
  }

  #zeroBlock(): void {
    if (this.#extended.pending) throw this.#where.invalid("an extended header without an entry");
    this.#state = "zero block";
  }

  /** Passes over a type that cannot be made, its contents too. */
  #leaveOut(header: Header): void {
    if (header.typeflag === typeflags.GNUTYPE_MULTIVOL) {
      throw this.#where.invalid("a part of an archive in several volumes");
    }
    const known = kindOfHeader(header) === "socket";
    const what = known ? "a socket" : `of unknown type 0x${header.typeflag.toString(16)}`;
    this.#visitor.warn(`Left out ${this.#where.toString()}: ${what}`);
    this.#extended.reset();
    this.#state = "skip";
    this.#finishPayload();
  }

  #setRemaining(bytes: number): void {
    this.#remaining = bytes;
    this.#padding = (BLOCK - (bytes % BLOCK)) % BLOCK;
  }

  #startExtended(header: Header): void {
    if (header.typeflag === typeflags.XGLTYPE) {
      this.#extended.reserveGlobal(header.size, this.#where);
    } else {
      this.#extended.reserve(BLOCK + header.size, this.#where);
    }
    this.#setRemaining(header.size);
    if (longNames.has(header.typeflag) && this.#padding > 0) this.#takeOneByteMore();
    this.#payload = new Uint8Array(this.#remaining);
    this.#payloadType = header.typeflag;
    this.#state = "extended";
    if (header.size === 0) this.#takeExtended();
  }

  /** GNU tar reads a long name up to its NUL, and be that in the padding. */
  #takeOneByteMore(): void {
    this.#remaining++;
    this.#padding--;
  }

  #extendedPayload(chunk: Uint8Array, at: number): number {
    const end = Math.min(chunk.length, at + this.#remaining);
    this.#payload.set(chunk.subarray(at, end), this.#payload.length - this.#remaining);
    this.#remaining -= end - at;
    if (this.#remaining === 0) this.#takeExtended();
    return end;
  }

  #takeExtended(): void {
    this.#extended.take(this.#payloadType, this.#payload, this.#where);
    this.#finishPayload();
  }

  #startFile(
    block: Uint8Array,
    header: Header,
    { payload, sparse }: { payload: number; sparse: PaxSparse | undefined },
  ): void {
    if (header.typeflag === typeflags.GNUTYPE_SPARSE) {
      if (sparse !== undefined) throw this.#where.invalid("it is sparse in two ways");
      return this.#startOldSparse(block, header);
    }
    // GNU tar looks at the sparse records of a POSIX header alone, others at any header's.
    if (sparse !== undefined && header.format !== "ustar") {
      throw this.#where.invalid("sparse records before a header that is not ustar's");
    }
    const realSize = sparse?.realSize ?? payload;
    if (sparse === undefined || sparse.map !== undefined) {
      return this.#startData({ block, header, realSize }, sparse?.map);
    }
    this.#file = { block: block.slice(), header, realSize };
    this.#mapReader = new SparseMapReader();
    this.#state = "sparse map";
  }

  #startOldSparse(block: Uint8Array, header: Header): void {
    if (header.format !== "gnu") throw this.#where.invalid("of type S, but not in GNU's format");
    this.#file = { block: block.slice(), header, realSize: readRealSize(block, this.#where) };
    this.#oldMap = new SparseMap();
    this.#state = "old sparse";
    if (!readOldMap(block, this.#oldMap, this.#where)) this.#startData(this.#file, this.#oldMap);
  }

  #oldSparse(block: Uint8Array): void {
    this.#extended.reserve(BLOCK, this.#where);
    const more = readOldExtension(block, this.#oldMap, this.#where);
    if (!more) this.#startData(this.#file!, this.#oldMap);
  }

  #sparseMap(block: Uint8Array): void {
    this.#extended.reserve(BLOCK, this.#where);
    this.#remaining -= BLOCK;
    if (this.#remaining < 0) throw this.#where.invalid("its sparse map is longer than its data");
    if (this.#mapReader.push(block, this.#where)) {
      this.#startData(this.#file!, this.#mapReader.map);
    }
  }

  #startData(file: PendingFile, map: SparseMap | undefined): void {
    map?.check(file.realSize, this.#remaining, this.#where);
    const { block, header, realSize } = file;
    const entry = makeEntry(block, header, this.#extended, realSize, this.#where);
    if (map !== undefined && entry.type !== "file") {
      throw this.#where.invalid("a sparse file whose name ends in a slash");
    }
    this.#file = undefined;
    this.#extended.reset();
    this.#visitor.entry(entry);
    this.#state = "data";
    // A name with a slash at its end made it a directory, which has no contents.
    if (entry.type === "file") this.#contents.begin(realSize, map);
    if (this.#remaining === 0) this.#endData(entry.type === "file");
  }

  #data(chunk: Uint8Array, at: number): number {
    const end = Math.min(chunk.length, at + this.#remaining);
    this.#contents.data(chunk, at, end);
    this.#remaining -= end - at;
    if (this.#remaining === 0) this.#endData(true);
    return end;
  }

  #endData(isFile: boolean): void {
    if (isFile) this.#contents.end();
    this.#finishPayload();
  }

  #skip(chunk: Uint8Array, at: number): number {
    const fromPayload = Math.min(chunk.length - at, this.#remaining);
    this.#remaining -= fromPayload;
    const fromPadding = Math.min(chunk.length - at - fromPayload, this.#padding);
    this.#padding -= fromPadding;
    this.#finishPayload();
    return at + fromPayload + fromPadding;
  }

  /** Goes on to the padding, or to the next header when there is none. */
  #finishPayload(): void {
    if (this.#remaining > 0) return;
    this.#state = this.#padding > 0 ? "padding" : "header";
  }
}
