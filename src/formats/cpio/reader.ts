import { display, equalBytes, utf8 } from "../../bytes/index.ts";
import { WickError } from "../../errors/index.ts";
import { kindOf } from "../../tree/index.ts";
import type { CpioEntry } from "./entry.ts";
import { ALIGNMENT, MAGIC, MAGIC_CRC, newcHeader, PATH_MAX, TRAILER } from "./layout.ts";

type Header = ReturnType<typeof newcHeader.read>;

/** An entry as it is read: names of one file share `device` and `ino`, one of them holds the data. */
export interface ReadCpioEntry extends CpioEntry {
  /** Bytes of data that follow. */
  readonly size: number;
  readonly ino: number;
  readonly nlink: number;
  readonly device: { readonly major: number; readonly minor: number };
}

/** Takes an archive's entries in order. */
export interface CpioVisitor {
  entry(entry: ReadCpioEntry): void;
  /** A piece of the last entry's data (files only); it is only lent. */
  data(chunk: Uint8Array): void;
  /** A trailer was read: hard links do not reach beyond it. */
  endArchive?(): void;
  /**
   * Something that is no newc archive follows a trailer at byte `position`: a compressed
   * archive, usually. The reader takes no notice of what comes. Without this it is an error.
   */
  foreign?(position: number): void;
}

const ZERO = 0x00;
const FIRST_OF_MAGIC = 0x30;
const trailer = utf8(TRAILER);
const NOTHING = new Uint8Array(0);

type State = "between" | "header" | "name" | "target" | "data" | "skip" | "foreign";

/**
 * Reads newc archives that are pushed to it in pieces, as the kernel does: several may
 * follow one another with zeros between, each with its trailer. Memory stays below two paths.
 * Errors: ARCHIVE_INVALID.
 */
export class CpioReader {
  readonly #visitor: CpioVisitor;
  readonly #gathered = new Uint8Array(2 * PATH_MAX);
  #state: State = "between";
  /** Bytes of #gathered that are filled, and how many it takes. */
  #filled = 0;
  #wanted = 0;
  #position = 0;
  #archives = 0;
  #header: Header | undefined;
  #entry: ReadCpioEntry | undefined;
  /** Of the current data: bytes to come, padding after them, sum of those that came. */
  #left = 0;
  #padding = 0;
  #sum = 0;
  /** Whether the current header has a checksum. */
  #summed = false;

  constructor(visitor: CpioVisitor) {
    this.#visitor = visitor;
  }

  /** Bytes before the piece that the visitor has just been given. */
  get positionBytes(): number {
    return this.#position;
  }

  push(chunk: Uint8Array): void {
    let rest = chunk;
    while (rest.length > 0) {
      const taken = this.#take(rest);
      this.#position += taken;
      rest = rest.subarray(taken);
    }
  }

  /** Call once after the last piece: fails when the archive is not complete. */
  end(): void {
    if (this.#state === "foreign") return;
    if (this.#state === "between" && this.#archives > 0) return;
    throw this.#invalid("it ends in the middle, wanted an entry named TRAILER!!!");
  }

  /** Uses up some of `bytes` and returns how many. */
  #take(bytes: Uint8Array): number {
    switch (this.#state) {
      case "between":
        return this.#between(bytes);
      case "data":
        return this.#data(bytes);
      case "skip":
        return this.#skip(bytes);
      case "foreign":
        return bytes.length;
      case "header":
      case "name":
      case "target":
        return this.#gather(bytes);
    }
  }

  #between(bytes: Uint8Array): number {
    const length = bytes.findIndex((byte) => byte !== ZERO);
    if (length === -1) return bytes.length;
    const position = this.#position + length;
    if (bytes[length] === FIRST_OF_MAGIC && position % ALIGNMENT === 0) {
      this.#expect("header", newcHeader.sizeBytes);
    } else if (this.#archives > 0 && this.#visitor.foreign !== undefined) {
      this.#state = "foreign";
      this.#visitor.foreign(position);
    } else {
      throw this.#invalid("no newc archive begins here", position);
    }
    return length;
  }

  #expect(state: "header" | "name" | "target", wanted: number): void {
    this.#state = state;
    this.#wanted = wanted;
    this.#filled = 0;
  }

  #gather(bytes: Uint8Array): number {
    const taken = Math.min(bytes.length, this.#wanted - this.#filled);
    this.#gathered.set(bytes.subarray(0, taken), this.#filled);
    this.#filled += taken;
    if (this.#filled === this.#wanted) this.#gatheredAll();
    return taken;
  }

  #gatheredAll(): void {
    if (this.#state === "header") this.#headerRead();
    else if (this.#state === "name") this.#nameRead();
    else this.#targetRead();
  }

  #headerRead(): void {
    const magic = display(this.#gathered.subarray(0, MAGIC.length));
    if (magic !== MAGIC && magic !== MAGIC_CRC) {
      throw this.#invalid(`magic is "${magic}", wanted "${MAGIC}" or "${MAGIC_CRC}"`);
    }
    const header = newcHeader.read(this.#gathered);
    const length = header.c_namesize;
    if (length < 1 || length > PATH_MAX) {
      throw this.#invalid(`a name of ${length} bytes, wanted 1 to ${PATH_MAX}`);
    }
    this.#header = header;
    this.#summed = magic === MAGIC_CRC;
    this.#expect("name", length + paddingOf(newcHeader.sizeBytes + length));
  }

  #nameRead(): void {
    const header = this.#header!;
    const name = this.#gathered.slice(0, header.c_namesize - 1);
    if (this.#gathered[name.length] !== ZERO || name.includes(ZERO)) {
      throw this.#invalid(`the name "${display(name)}" does not end with its only zero byte`);
    }
    if (equalBytes(name, trailer)) return this.#trailerRead();
    const entry = this.#entryOf(name, header);
    this.#entry = entry;
    this.#left = header.c_filesize;
    this.#padding = paddingOf(header.c_filesize);
    this.#sum = 0;
    if (entry.kind === "symlink") return this.#expectTarget(entry);
    this.#visitor.entry(entry);
    this.#state = entry.kind === "file" ? "data" : "skip";
    if (this.#left === 0) this.#dataRead();
  }

  #trailerRead(): void {
    if (this.#header!.c_filesize !== 0) throw this.#invalid("the trailer holds data");
    this.#archives++;
    this.#visitor.endArchive?.();
    this.#state = "between";
  }

  #entryOf(path: Uint8Array, header: Header): ReadCpioEntry {
    const kind = kindOf(header.c_mode);
    if (kind === undefined) {
      throw this.#invalid(`"${display(path)}" has mode 0${header.c_mode.toString(8)}, no kind`);
    }
    const device = kind === "char" || kind === "block";
    return {
      path,
      kind,
      mode: header.c_mode & 0o7777,
      uid: header.c_uid,
      gid: header.c_gid,
      mtime: header.c_mtime,
      ...(device ? { rdev: { major: header.c_rmaj, minor: header.c_rmin } } : {}),
      size: kind === "file" ? header.c_filesize : 0,
      ino: header.c_ino,
      nlink: header.c_nlink,
      device: { major: header.c_maj, minor: header.c_min },
    };
  }

  #expectTarget(entry: ReadCpioEntry): void {
    if (this.#left < 1 || this.#left > PATH_MAX) {
      throw this.#invalid(
        `"${display(entry.path)}" has a target of ${this.#left} bytes, wanted 1 to ${PATH_MAX}`,
      );
    }
    this.#expect("target", this.#left + this.#padding);
  }

  #targetRead(): void {
    const whole = this.#gathered.subarray(0, this.#left);
    const zero = whole.indexOf(ZERO); // gen_init_cpio counts a NUL, cpio(1) does not
    const target = whole.slice(0, zero === -1 ? whole.length : zero);
    this.#visitor.entry({ ...this.#entry!, size: target.length, target });
    this.#expect("header", newcHeader.sizeBytes);
  }

  #data(bytes: Uint8Array): number {
    const chunk = bytes.subarray(0, this.#left);
    this.#addToSum(chunk);
    this.#visitor.data(chunk);
    this.#left -= chunk.length;
    if (this.#left === 0) this.#dataRead();
    return chunk.length;
  }

  /** Data that belongs to no file (the kernel skips it too), then padding. */
  #skip(bytes: Uint8Array): number {
    const taken = Math.min(bytes.length, this.#left + this.#padding);
    const ofData = Math.min(taken, this.#left);
    this.#left -= ofData;
    this.#padding -= taken - ofData;
    if (this.#left + this.#padding === 0) this.#dataRead();
    return taken;
  }

  #dataRead(): void {
    if (this.#padding > 0) {
      this.#state = "skip";
      return;
    }
    this.#checkSum();
    this.#expect("header", newcHeader.sizeBytes);
  }

  #addToSum(bytes: Uint8Array): void {
    if (!this.#summed) return;
    for (const byte of bytes) this.#sum = (this.#sum + byte) >>> 0;
  }

  /** cpio(1) sums up files only, and only where their data is. */
  #checkSum(): void {
    const header = this.#header!;
    if (!this.#summed || this.#entry!.size === 0) return;
    if (header.c_chksum === this.#sum) return;
    throw this.#invalid(
      `the data of "${display(this.#entry!.path)}" sums to ${this.#sum}, its header says ${header.c_chksum}`,
    );
  }

  #invalid(is: string, position = this.#position): WickError {
    return new WickError(
      "ARCHIVE_INVALID",
      `Cannot read the cpio archive near byte ${position}: ${is}`,
    );
  }
}

function paddingOf(length: number): number {
  return (ALIGNMENT - (length % ALIGNMENT)) % ALIGNMENT;
}

/** One entry of a decoded archive; `contents` is a view of the archive's bytes. */
export interface DecodedCpioFile extends ReadCpioEntry {
  readonly contents: Uint8Array;
}

/** What {@link decodeCpio} found. */
export interface DecodedCpio {
  readonly files: readonly DecodedCpioFile[];
  /** Where something else begins behind the archives (a compressed one), or the bytes' end. */
  readonly endBytes: number;
}

/**
 * Reads the newc archives at the start of `bytes`. Every name of a hard-linked file gets
 * that file's contents. Errors: ARCHIVE_INVALID.
 */
export function decodeCpio(bytes: Uint8Array): DecodedCpio {
  const files: (ReadCpioEntry & { contents: Uint8Array })[] = [];
  let endBytes = bytes.length;
  let archiveStart = 0;
  const reader = new CpioReader({
    entry: (entry) => void files.push({ ...entry, contents: NOTHING }),
    data: (chunk) => void (files.at(-1)!.contents = chunk), // one push: data is one piece
    endArchive: () => {
      shareContents(files.slice(archiveStart));
      archiveStart = files.length;
    },
    foreign: (position) => void (endBytes = position),
  });
  reader.push(bytes);
  reader.end();
  return { files, endBytes };
}

function shareContents(files: readonly (ReadCpioEntry & { contents: Uint8Array })[]): void {
  const linked = files.filter((file) => file.kind === "file" && file.nlink > 1);
  const key = ({ device, ino }: ReadCpioEntry) => `${device.major}:${device.minor}:${ino}`;
  const contents = new Map<string, Uint8Array>();
  for (const file of linked) if (file.contents.length > 0) contents.set(key(file), file.contents);
  for (const file of linked) file.contents = contents.get(key(file)) ?? file.contents;
}
