import { utf8 } from "../../bytes/index.ts";
import { BLOCK, posix_header } from "./layout.ts";
import { readNumber, type Field } from "./numbers.ts";
import type { Where } from "./where.ts";

/** One 512-byte header, decoded but not yet joined with its extended headers. */
export interface Header {
  /** `v7` has no magic; only `ustar` has a prefix, only `gnu` an old sparse map. */
  readonly format: "v7" | "ustar" | "gnu";
  readonly typeflag: number;
  readonly name: Uint8Array;
  readonly linkname: Uint8Array;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly mtime: number;
}

// This runs once an entry, so it is written by hand beside the table: struct().read() copies
// every field and takes about ten times as long.
const at = posix_header.offsets;
const NAME_BYTES = 100;
const PREFIX_BYTES = 155;
const SPACE = 0x20;

function field(name: keyof typeof at, length: 8 | 12): Field {
  return { name, start: at[name], end: at[name] + length };
}

const MODE = field("mode", 8);
const UID = field("uid", 8);
const GID = field("gid", 8);
const SIZE = field("size", 12);
const MTIME = field("mtime", 12);
const CHKSUM = field("chksum", 8);
const DEVMAJOR = field("devmajor", 8);
const DEVMINOR = field("devminor", 8);

/** Decodes a header block; its checksum must be right. All arrays are copies. */
export function readHeader(block: Uint8Array, where: Where): Header {
  where.name = undefined;
  checkSum(block, where);
  const format = formatOf(block);
  const name = readName(block, format);
  where.name = name;
  return {
    format,
    typeflag: block[at.typeflag]!,
    name,
    linkname: readText(block, at.linkname, NAME_BYTES),
    mode: readNumber(block, MODE, where),
    uid: readNumber(block, UID, where),
    gid: readNumber(block, GID, where),
    size: readSize(block, where),
    mtime: readNumber(block, MTIME, where),
  };
}

/** The device numbers of a `char` or `block` header. */
export function readDevice(block: Uint8Array, where: Where): { major: number; minor: number } {
  return {
    major: readNumber(block, DEVMAJOR, where),
    minor: readNumber(block, DEVMINOR, where),
  };
}

/** Bytes up to the first NUL, or all of the field. */
export function readText(block: Uint8Array, start: number, maxBytes: number): Uint8Array {
  let end = start;
  while (end < start + maxBytes && block[end] !== 0) end++;
  return block.slice(start, end);
}

function readSize(block: Uint8Array, where: Where): number {
  const size = readNumber(block, SIZE, where);
  if (size < 0) throw where.invalid(`its size is negative (${size})`);
  return size;
}

/** The magic and version of the two formats that have one (tar.h: TMAGIC, OLDGNU_MAGIC). */
const USTAR = utf8("ustar\0");
const GNU = utf8("ustar  \0");

function formatOf(block: Uint8Array): Header["format"] {
  if (startsWith(block, at.magic, USTAR)) return "ustar";
  return startsWith(block, at.magic, GNU) ? "gnu" : "v7";
}

function startsWith(block: Uint8Array, start: number, wanted: Uint8Array): boolean {
  for (let i = 0; i < wanted.length; i++) if (block[start + i] !== wanted[i]) return false;
  return true;
}

function readName(block: Uint8Array, format: Header["format"]): Uint8Array {
  if (format !== "ustar" || block[at.prefix] === 0) return readText(block, at.name, NAME_BYTES);
  const name = readText(block, at.name, NAME_BYTES);
  const prefix = readText(block, at.prefix, PREFIX_BYTES);
  const path = new Uint8Array(prefix.length + 1 + name.length);
  path.set(prefix);
  path[prefix.length] = 0x2f;
  path.set(name, prefix.length + 1);
  return path;
}

/** The sum is over unsigned bytes; some old tars summed signed chars. */
function checkSum(block: Uint8Array, where: Where): void {
  let sum = 0;
  for (let i = 0; i < BLOCK; i++) sum += block[i]!;
  for (let i = CHKSUM.start; i < CHKSUM.end; i++) sum += SPACE - block[i]!;
  const stored = readNumber(block, CHKSUM, where);
  if (stored === sum || stored === signedSum(block)) return;
  throw where.invalid(`not a tar header, or damaged (its checksum is ${stored}, wanted ${sum})`);
}

function signedSum(block: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < BLOCK; i++) {
    const byte = i >= CHKSUM.start && i < CHKSUM.end ? SPACE : block[i]!;
    sum += byte < 0x80 ? byte : byte - 0x100;
  }
  return sum;
}
