/** For tests: tar archives made header by header, right or wrong as the test wants them. */
import { utf8 } from "../../src/bytes/index.ts";
import { BLOCK, posix_header } from "../../src/formats/tar/layout.ts";

export type Bytes = Uint8Array | string;

export const bytesOf = (value: Bytes): Uint8Array =>
  typeof value === "string" ? utf8(value) : value;

export interface HeaderFields {
  readonly name?: Bytes;
  readonly typeflag?: string;
  readonly linkname?: Bytes;
  readonly mode?: number;
  readonly uid?: number | Uint8Array;
  readonly gid?: number | Uint8Array;
  readonly size?: number | Uint8Array;
  readonly mtime?: number | Uint8Array;
  readonly major?: number;
  readonly minor?: number;
  readonly prefix?: Bytes;
  /** ustar (default), GNU's, or none. */
  readonly format?: "ustar" | "gnu" | "v7";
  /** Writes into the header before it is summed. */
  readonly patch?: (header: Uint8Array) => void;
  readonly checksum?: "unsigned" | "signed" | "wrong";
}

const octal = (value: number | Uint8Array, length: number): Uint8Array =>
  typeof value === "number" ? utf8(value.toString(8).padStart(length - 1, "0")) : value;

const magics = { ustar: ["ustar\0", "00"], gnu: ["ustar ", " \0"], v7: ["", ""] } as const;

/** One header block. */
export function header(fields: HeaderFields): Uint8Array {
  const [magic, version] = magics[fields.format ?? "ustar"];
  const block = posix_header.encode({
    name: bytesOf(fields.name ?? ""),
    mode: octal(fields.mode ?? 0o644, 8),
    uid: octal(fields.uid ?? 0, 8),
    gid: octal(fields.gid ?? 0, 8),
    size: octal(fields.size ?? 0, 12),
    mtime: octal(fields.mtime ?? 0, 12),
    typeflag: (fields.typeflag ?? "0").charCodeAt(0),
    linkname: bytesOf(fields.linkname ?? ""),
    magic: utf8(magic),
    version: utf8(version),
    devmajor: octal(fields.major ?? 0, 8),
    devminor: octal(fields.minor ?? 0, 8),
    prefix: bytesOf(fields.prefix ?? ""),
  });
  fields.patch?.(block);
  return withChecksum(block, fields.checksum ?? "unsigned");
}

function withChecksum(block: Uint8Array, kind: "unsigned" | "signed" | "wrong"): Uint8Array {
  const at = posix_header.offsets.chksum;
  block.fill(0x20, at, at + 8);
  const values = kind === "signed" ? Array.from(new Int8Array(block.buffer)) : Array.from(block);
  const sum = values.reduce((a, b) => a + b, kind === "wrong" ? 1 : 0);
  block.set(utf8(`${sum.toString(8).padStart(6, "0")}\0 `), at);
  return block;
}

/** Bytes padded to whole blocks. */
export function padded(contents: Bytes): Uint8Array {
  const bytes = bytesOf(contents);
  const result = new Uint8Array(Math.ceil(bytes.length / BLOCK) * BLOCK);
  result.set(bytes);
  return result;
}

/** One pax record, `length key=value\n`. */
export function record(key: string, value: Bytes): Uint8Array {
  const rest = Buffer.concat([utf8(` ${key}=`), bytesOf(value), utf8("\n")]);
  let length = rest.length;
  while (String(length).length + rest.length !== length) {
    length = String(length).length + rest.length;
  }
  return Buffer.concat([utf8(String(length)), rest]);
}

/** An extended header (`x`, or `g` for all that follows) with its records in order. */
export function pax(
  records: readonly (readonly [string, Bytes])[],
  typeflag: "x" | "g" | "X" = "x",
): Uint8Array {
  const payload = Buffer.concat(records.map(([key, value]) => record(key, value)));
  return Buffer.concat([header({ name: "pax", typeflag, size: payload.length }), padded(payload)]);
}

/** GNU's long name (`L`) or long link (`K`), ended by a NUL. */
export function long(typeflag: "L" | "K", name: Bytes): Uint8Array {
  const payload = Buffer.concat([bytesOf(name), new Uint8Array(1)]);
  return Buffer.concat([
    header({ name: "././@LongLink", typeflag, size: payload.length, format: "gnu" }),
    padded(payload),
  ]);
}

/** A regular file with its contents. */
export function file(name: Bytes, contents: Bytes = "", fields: HeaderFields = {}): Uint8Array {
  const bytes = bytesOf(contents);
  return Buffer.concat([header({ name, size: bytes.length, ...fields }), padded(bytes)]);
}

/** The parts in a row, with the two zero blocks that end an archive. */
export function archive(...parts: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat([...parts, new Uint8Array(2 * BLOCK)]);
}

/** Makes the first block's sum right, so that a mutation reaches what lies behind it. */
export function repairChecksum(block: Uint8Array): void {
  let sum = 8 * 0x20;
  for (let i = 0; i < 512; i++) if (i < 148 || i >= 156) sum += block[i]!;
  block.set(Buffer.from(`${sum.toString(8).padStart(6, "0")}\0 `), 148);
}
