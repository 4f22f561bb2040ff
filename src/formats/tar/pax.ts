import { readDecimal, readTime } from "./numbers.ts";
import type { Where } from "./where.ts";

const NEWLINE = 0x0a;
const SPACE = 0x20;
const EQUALS = 0x3d;
/** `5 a=\n`: the shortest record there can be. */
const MIN_RECORD_BYTES = 5;
const MAX_LENGTH_DIGITS = 9;

/** Keys of GNU's sparse format 0.0, the only ones that may stand several times and all count. */
const SPARSE_OFFSET = "GNU.sparse.offset";
const SPARSE_NUMBYTES = "GNU.sparse.numbytes";

/** The records of one extended header. Keys are latin-1 text of their bytes, values are bytes. */
export interface PaxRecords {
  /** A key that stands twice has its last value. */
  readonly values: Map<string, Uint8Array>;
  /** Offset and length in turns, in order (GNU sparse format 0.0). */
  readonly sparsePairs: Uint8Array[];
  /** Keys that stand more than once. */
  readonly repeated: Set<string>;
}

/**
 * Parses `"%d %s=%s\n"` records (POSIX pax, Extended Header). A value may hold any byte; the
 * length alone says where it ends. Stricter than GNU tar: nothing but records may stand there.
 */
export function parsePax(bytes: Uint8Array, where: Where): PaxRecords {
  const records: PaxRecords = { values: new Map(), sparsePairs: [], repeated: new Set() };
  for (let start = 0; start < bytes.length; start = parseRecord(bytes, start, records, where));
  return records;
}

/** Adds the record that begins at `start` and returns where it ends. */
function parseRecord(bytes: Uint8Array, start: number, records: PaxRecords, where: Where): number {
  let at = start;
  let length = 0;
  for (; isDigit(bytes[at]) && at - start < MAX_LENGTH_DIGITS; at++) {
    length = length * 10 + bytes[at]! - 0x30;
  }
  const end = start + length;
  if (bytes[at] !== SPACE || length < MIN_RECORD_BYTES || end > bytes.length || end <= at) {
    throw where.invalid("its extended header has a record with a wrong length");
  }
  const equals = bytes.indexOf(EQUALS, at + 1);
  if (bytes[end - 1] !== NEWLINE || equals < 0 || equals >= end || equals === at + 1) {
    throw where.invalid("its extended header has a record that is not `length key=value`");
  }
  const key = latin1(bytes.subarray(at + 1, equals));
  if (key.includes("\0")) throw where.invalid("its extended header has a NUL in a key");
  addRecord(key, bytes.subarray(equals + 1, end - 1), records, where);
  return end;
}

/**
 * What is checked of every record, those too that a later one of the same key replaces and the
 * times that wick does not keep: other readers stop there.
 */
const checks = new Map<string, (value: Uint8Array, key: string, where: Where) => void>([
  ...["path", "linkpath", "GNU.sparse.name"].map((key) => [key, checkName] as const),
  ...["size", "uid", "gid"].map((key) => [key, checkDecimal] as const),
  ...["mtime", "atime", "ctime"].map((key) => [key, checkTime] as const),
]);

function checkName(value: Uint8Array, key: string, where: Where): void {
  // POSIX lets an empty value delete, but tools do not agree on what then holds.
  if (value.length === 0) throw where.invalid(`its pax record ${key} is empty`);
}

function checkDecimal(value: Uint8Array, key: string, where: Where): void {
  readDecimal(latin1(value), `pax ${key}`, where);
}

function checkTime(value: Uint8Array, key: string, where: Where): void {
  readTime(latin1(value), `pax ${key}`, where);
}

function addRecord(key: string, value: Uint8Array, records: PaxRecords, where: Where): void {
  if (key === SPARSE_OFFSET || key === SPARSE_NUMBYTES) {
    const wanted = records.sparsePairs.length % 2 === 0 ? SPARSE_OFFSET : SPARSE_NUMBYTES;
    if (key !== wanted) throw where.invalid(`its sparse map has ${key} in place of ${wanted}`);
    records.sparsePairs.push(value);
  } else {
    checks.get(key)?.(value, key, where);
    if (records.values.has(key)) records.repeated.add(key);
    records.values.set(key, value);
  }
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x30 && byte <= 0x39;
}

/** Bytes as text, a character a byte. */
export function latin1(bytes: Uint8Array): string {
  let text = "";
  for (let i = 0; i < bytes.length; i += 4096) {
    // apply() takes the typed array as it is; spreading it is several times slower.
    text += String.fromCharCode.apply(null, bytes.subarray(i, i + 4096) as unknown as number[]);
  }
  return text;
}
