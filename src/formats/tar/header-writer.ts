import { utf8 } from "../../bytes/index.ts";
import type { Kind, Time, Xattr } from "../../tree/index.ts";
import { BLOCK, posix_header, typeflags } from "./layout.ts";

/** What a tar entry says, before its contents. */
export interface TarHeader {
  /** Without a leading `/`; a directory's ends in one. */
  readonly path: Uint8Array;
  readonly type: Exclude<Kind, "socket"> | "hardlink";
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtime: Time;
  /** Bytes of contents that follow, padded to 512. */
  readonly size: number;
  /** A symlink's text, or the path of an entry before that a hard link names. */
  readonly target?: Uint8Array | undefined;
  readonly rdev?: { readonly major: number; readonly minor: number } | undefined;
  readonly xattrs: readonly Xattr[];
}

const TYPEFLAG: Readonly<Record<TarHeader["type"], number>> = {
  file: typeflags.REGTYPE,
  hardlink: typeflags.LNKTYPE,
  symlink: typeflags.SYMTYPE,
  char: typeflags.CHRTYPE,
  block: typeflags.BLKTYPE,
  directory: typeflags.DIRTYPE,
  fifo: typeflags.FIFOTYPE,
};

/** Bytes of `name` and `linkname`; what is longer stands in an extended header. */
const NAME_BYTES = 100;
/** What seven and eleven octal digits hold. */
const ID_MAX = 0o7777777;
const LONG_MAX = 0o77777777777;
const NANO = 1_000_000_000n;

/**
 * The header blocks of one entry in pax form (POSIX.1-2001): a ustar header, and before it an
 * extended one for whatever that cannot hold. Attributes as `SCHILY.xattr.NAME`.
 */
export function encodeTarHeader(header: TarHeader): Uint8Array<ArrayBuffer> {
  const records = paxRecords(header);
  const own = ustar(header, TYPEFLAG[header.type]);
  if (records.length === 0) return own;
  const body = concat(records);
  const extended = ustar(
    { ...PLAIN, path: utf8("PaxHeaders"), size: body.length },
    typeflags.XHDTYPE,
  );
  const padded = new Uint8Array(Math.ceil(body.length / BLOCK) * BLOCK);
  padded.set(body);
  return concat([extended, padded, own]);
}

/** Two blocks of zeros end an archive. */
export const TAR_END = new Uint8Array(2 * BLOCK);

const PLAIN: Omit<TarHeader, "path" | "size"> = {
  type: "file",
  mode: 0o644,
  uid: 0,
  gid: 0,
  mtime: { seconds: 0, nanoseconds: 0 },
  xattrs: [],
};

/** A ustar header; what does not fit is left out, the extended header has it. */
function ustar(header: TarHeader, typeflag: number): Uint8Array<ArrayBuffer> {
  const { path, mode, uid, gid, size, mtime, target, rdev } = header;
  const fields = {
    name: path.subarray(0, NAME_BYTES),
    mode: octal(mode, 7),
    uid: octal(uid > ID_MAX ? 0 : uid, 7),
    gid: octal(gid > ID_MAX ? 0 : gid, 7),
    size: octal(size > LONG_MAX ? 0 : size, 11),
    mtime: octal(isPlainTime(mtime) ? mtime.seconds : 0, 11),
    chksum: utf8("        "),
    typeflag,
    linkname: target?.subarray(0, NAME_BYTES) ?? new Uint8Array(),
    magic: utf8("ustar\0"),
    version: utf8("00"),
    devmajor: octal(rdev?.major ?? 0, 7),
    devminor: octal(rdev?.minor ?? 0, 7),
  };
  const bytes = posix_header.encode(fields);
  const sum = bytes.reduce((total, byte) => total + byte, 0);
  bytes.set(utf8(`${sum.toString(8).padStart(6, "0")}\0 `), posix_header.offsets.chksum);
  return bytes;
}

function octal(value: number, digits: number): Uint8Array {
  return utf8(`${value.toString(8).padStart(digits, "0")}\0`);
}

function isPlainTime({ seconds, nanoseconds }: Time): boolean {
  return nanoseconds === 0 && seconds >= 0 && seconds <= LONG_MAX;
}

/** What the ustar header cannot hold, one record each, in a fixed order. */
function paxRecords({ path, target, uid, gid, size, mtime, xattrs }: TarHeader): Uint8Array[] {
  return [
    ...(path.length > NAME_BYTES ? [record("path", path)] : []),
    ...(target !== undefined && target.length > NAME_BYTES ? [record("linkpath", target)] : []),
    ...(size > LONG_MAX ? [record("size", utf8(`${size}`))] : []),
    ...(uid > ID_MAX ? [record("uid", utf8(`${uid}`))] : []),
    ...(gid > ID_MAX ? [record("gid", utf8(`${gid}`))] : []),
    ...(isPlainTime(mtime) ? [] : [record("mtime", utf8(timeText(mtime)))]),
    ...xattrs.map(({ name, value }) => record(attributeKey(name), value)),
  ];
}

/** `=` and `%` of a name as GNU tar writes them. */
function attributeKey(name: Uint8Array): Uint8Array {
  const escaped = Array.from(name, (byte) =>
    byte === 0x25 ? [...utf8("%25")] : byte === 0x3d ? [...utf8("%3D")] : [byte],
  );
  return concat([utf8("SCHILY.xattr."), Uint8Array.from(escaped.flat())]);
}

/** A decimal number of seconds, the nanoseconds behind its point. */
function timeText({ seconds, nanoseconds }: Time): string {
  const total = BigInt(seconds) * NANO + BigInt(nanoseconds);
  const absolute = total < 0n ? -total : total;
  const sign = total < 0n ? "-" : "";
  const fraction = absolute % NANO;
  const rest = fraction === 0n ? "" : `.${fraction.toString().padStart(9, "0")}`;
  return `${sign}${absolute / NANO}${rest}`;
}

/** `LENGTH KEY=VALUE\n`, where the length counts its own digits. */
function record(key: string | Uint8Array, value: Uint8Array): Uint8Array {
  const name = typeof key === "string" ? utf8(key) : key;
  const rest = 1 + name.length + 1 + value.length + 1;
  let length = rest;
  while (String(length).length + rest !== length) length = String(length).length + rest;
  return concat([utf8(`${length} `), name, utf8("="), value, utf8("\n")]);
}

function concat(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
