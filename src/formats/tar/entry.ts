import type { Entry, Kind, Time, Xattr } from "../../tree/index.ts";
import { aclsOf } from "./acl.ts";
import type { Extended } from "./extended.ts";
import { readDevice, type Header } from "./header.ts";
import { typeflags } from "./layout.ts";
import { readDecimal, readTime } from "./numbers.ts";
import { latin1 } from "./pax.ts";
import type { Where } from "./where.ts";
import { xattrsOf } from "./xattrs.ts";

const NO_XATTRS: readonly Xattr[] = [];
const MAX_ID = 2 ** 32 - 1;
const SLASH = 0x2f;
/** Some archivers put all of st_mode into `mode`; a socket then looks like an empty file. */
const S_IFMT = 0o170000;
const S_IFSOCK = 0o140000;

const kinds = new Map<number, Kind | "hardlink">([
  [typeflags.AREGTYPE, "file"],
  [typeflags.REGTYPE, "file"],
  [typeflags.CONTTYPE, "file"],
  [typeflags.GNUTYPE_SPARSE, "file"],
  [typeflags.LNKTYPE, "hardlink"],
  [typeflags.SYMTYPE, "symlink"],
  [typeflags.CHRTYPE, "char"],
  [typeflags.BLKTYPE, "block"],
  [typeflags.DIRTYPE, "directory"],
  [typeflags.GNUTYPE_DUMPDIR, "directory"],
  [typeflags.FIFOTYPE, "fifo"],
]);

/** What an entry is by its header alone; undefined for types that wick does not know. */
export function kindOfHeader(header: Header): Kind | "hardlink" | undefined {
  const kind = kinds.get(header.typeflag);
  if (kind === "file" && (header.mode & S_IFMT) === S_IFSOCK) return "socket";
  return kind;
}

/**
 * Bytes that follow the header. Of the types that have no contents only a directory's dump
 * (type D) has some: whatever size a link or directory states, GNU tar (extracting) and Go
 * read the next header right behind it.
 */
export function payloadBytes(header: Header, extended: Extended, where: Where): number {
  const record = extended.get("size");
  const size = record === undefined ? header.size : readDecimal(latin1(record), "pax size", where);
  const kind = kinds.get(header.typeflag);
  const headerOnly = kind !== undefined && kind !== "file";
  return headerOnly && header.typeflag !== typeflags.GNUTYPE_DUMPDIR ? 0 : size;
}

/** The path of the entry: pax wins over GNU's long name, that over the header. */
export function pathOf(header: Header, extended: Extended): Uint8Array {
  return (
    extended.get("GNU.sparse.name") ?? extended.get("path") ?? extended.longName ?? header.name
  );
}

/** Joins a header and what extends it; `size` is a file's real size in bytes. */
export function makeEntry(
  block: Uint8Array,
  header: Header,
  extended: Extended,
  size: number,
  where: Where,
): Entry {
  const path = withoutNul(pathOf(header, extended), "path", where);
  if (path.length === 0) throw where.invalid("an entry without a name");
  const type = typeOf(header, path, size, where);
  const records = extended.records();
  const entry = {
    type,
    path,
    size: type === "file" ? size : 0,
    mode: modeOf(header, records),
    uid: idOf("uid", header.uid, extended, where),
    gid: idOf("gid", header.gid, extended, where),
    mtime: mtimeOf(header, extended, where),
    xattrs: records.size === 0 ? NO_XATTRS : xattrsOf(records, where),
  };
  if (type === "symlink" || type === "hardlink") {
    const target = targetOf(header, extended, where);
    return type === "symlink" ? { ...entry, mode: SYMLINK_MODE, target } : { ...entry, target };
  }
  if (type !== "char" && type !== "block") return entry;
  // The fields of a v7 header end before the device numbers.
  const rdev = header.format === "v7" ? { major: 0, minor: 0 } : readDevice(block, where);
  return { ...entry, rdev };
}

/** What symlink(2) gives each, and nothing changes: headers may say otherwise, in vain. */
const SYMLINK_MODE = 0o777;

/** An ACL has the last word on the permission bits, as when it is set on a real file. */
function modeOf(header: Header, records: ReadonlyMap<string, Uint8Array>): number {
  const mode = header.mode & 0o7777;
  if (records.size === 0) return mode;
  const { permissions } = aclsOf(records);
  return permissions === undefined ? mode : (mode & 0o7000) | permissions;
}

/** A file whose name ends in a slash is a directory (BSD's old convention). */
function typeOf(header: Header, path: Uint8Array, size: number, where: Where): Entry["type"] {
  const kind = kindOfHeader(header)!;
  // "/" alone is a name and not a slash behind one.
  if (kind !== "file" || path.length < 2 || path.at(-1) !== SLASH) return kind;
  if (header.typeflag === typeflags.CONTTYPE) {
    throw where.invalid("a contiguous file whose name ends in a slash");
  }
  // GNU tar skips these bytes, libarchive and Go do not.
  if (size > 0) throw where.invalid(`a file of ${size} bytes whose name ends in a slash`);
  return "directory";
}

function targetOf(header: Header, extended: Extended, where: Where): Uint8Array {
  const target = extended.get("linkpath") ?? extended.longLink ?? header.linkname;
  return withoutNul(target, "link target", where);
}

/** Names that Linux cannot hold: GNU tar cuts them at the NUL, others refuse. */
function withoutNul(name: Uint8Array, what: string, where: Where): Uint8Array {
  if (name.includes(0)) throw where.invalid(`its ${what} holds a NUL byte`);
  return name;
}

function idOf(key: "uid" | "gid", fallback: number, extended: Extended, where: Where): number {
  const record = extended.get(key);
  const id = record === undefined ? fallback : readDecimal(latin1(record), `pax ${key}`, where);
  if (id < 0 || id > MAX_ID) throw where.invalid(`its ${key} is ${id}, wanted 0 to ${MAX_ID}`);
  return id;
}

function mtimeOf(header: Header, extended: Extended, where: Where): Time {
  const record = extended.get("mtime");
  if (record === undefined) return { seconds: header.mtime, nanoseconds: 0 };
  return readTime(latin1(record), "pax mtime", where);
}
