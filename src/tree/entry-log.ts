import { WickError } from "../errors/index.ts";
import type { Entry, Xattr } from "./entry.ts";
import { type LogReader, LogWriter } from "./log-bytes.ts";
import { NO_PLACE, type Place } from "./sink.ts";

/** Numbers of the types in the log. */
const TYPES = [
  "file",
  "directory",
  "symlink",
  "hardlink",
  "char",
  "block",
  "fifo",
  "socket",
] as const satisfies readonly Entry["type"][];

/** Which fields follow: bits beside the type's number in a record's first byte. */
const FLAGS = { target: 0x10, rdev: 0x20, xattrs: 0x40, before1970: 0x80 } as const;
const TYPE_MASK = 0x0f;

const NO_XATTRS: readonly Xattr[] = [];
/** What a list of attributes costs beside its bytes, about. */
const XATTR_COST_BYTES = 200;

/** An entry and where its contents went, as recorded. */
export interface Recorded {
  readonly entry: Entry;
  readonly place: Place;
}

/**
 * The entries of one layer as bytes, some forty each: a path is kept as what differs from the
 * one before it. They can be read back once, in order; what is read is let go on the way.
 */
export class EntryLog {
  readonly #bytes = new LogWriter();
  /** Lists of attributes that entries refer to; equal ones come as one object. */
  readonly #lists: (readonly Xattr[])[] = [];
  readonly #listNumbers = new Map<readonly Xattr[], number>();
  #path: Uint8Array = new Uint8Array(0);
  #listBytes = 0;

  /** Memory taken, in bytes. */
  get sizeBytes(): number {
    return this.#bytes.length + this.#listBytes;
  }

  add(entry: Entry, place: Place): void {
    const { target, rdev, xattrs, mtime } = entry;
    const out = this.#bytes;
    const flags =
      (target === undefined ? 0 : FLAGS.target) |
      (rdev === undefined ? 0 : FLAGS.rdev) |
      (xattrs.length === 0 ? 0 : FLAGS.xattrs) |
      (mtime.seconds < 0 ? FLAGS.before1970 : 0);
    out.byte(TYPES.indexOf(entry.type) | flags);
    this.#addPath(entry.path);
    for (const value of [entry.mode, entry.uid, entry.gid]) out.number(value);
    out.number(Math.abs(mtime.seconds));
    out.number(mtime.nanoseconds);
    if (entry.type === "file") {
      out.number(entry.size);
      out.int32(place);
    }
    if (target !== undefined) out.bytes(target);
    if (rdev !== undefined) for (const value of [rdev.major, rdev.minor]) out.number(value);
    if (xattrs.length > 0) out.number(this.#numberOf(xattrs));
    out.endRecord();
  }

  /** All of what was added. Afterwards the log is empty. */
  *take(): Generator<Recorded> {
    let path = new Uint8Array(0);
    for (const reader of this.#bytes.take()) {
      const first = reader.byte();
      path = pathAfter(path, reader);
      yield this.#read(first, path, reader);
    }
    this.#lists.length = 0;
  }

  #read(first: number, path: Uint8Array, reader: LogReader): Recorded {
    const type = TYPES[first & TYPE_MASK]!;
    const [mode, uid, gid] = [reader.number(), reader.number(), reader.number()];
    const seconds = reader.number() * ((first & FLAGS.before1970) === 0 ? 1 : -1);
    const mtime = { seconds, nanoseconds: reader.number() };
    const size = type === "file" ? reader.number() : 0;
    const place = type === "file" ? reader.int32() : NO_PLACE;
    const target = (first & FLAGS.target) === 0 ? {} : { target: reader.bytes() };
    const rdev =
      (first & FLAGS.rdev) === 0
        ? {}
        : { rdev: { major: reader.number(), minor: reader.number() } };
    const xattrs = (first & FLAGS.xattrs) === 0 ? NO_XATTRS : this.#lists[reader.number()]!;
    return {
      entry: { type, path, size, mode, uid, gid, mtime, xattrs, ...target, ...rdev },
      place,
    };
  }

  #addPath(path: Uint8Array): void {
    const before = this.#path;
    const most = Math.min(before.length, path.length);
    let shared = 0;
    while (shared < most && before[shared] === path[shared]) shared++;
    this.#bytes.number(shared);
    this.#bytes.bytes(path.subarray(shared));
    this.#path = path;
  }

  #numberOf(list: readonly Xattr[]): number {
    const known = this.#listNumbers.get(list);
    if (known !== undefined) return known;
    const number = this.#lists.push(list) - 1;
    this.#listNumbers.set(list, number);
    for (const { name, value } of list) {
      this.#listBytes += name.length + value.length + XATTR_COST_BYTES;
    }
    return number;
  }
}

function pathAfter(before: Uint8Array, reader: LogReader): Uint8Array<ArrayBuffer> {
  const shared = reader.number();
  const rest = reader.bytes();
  if (shared > before.length) throw new WickError("INTERNAL", "Cannot read a layer's log back");
  const path = new Uint8Array(shared + rest.length);
  path.set(before.subarray(0, shared));
  path.set(rest, shared);
  return path;
}
