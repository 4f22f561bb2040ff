import { WickError } from "../errors/index.ts";
import type { Codec } from "./codecs.ts";

/** A row of a layout: offset in bytes, the spec's own field name, form. */
export type Row<N extends string = string, T = unknown> = readonly [
  offset: number,
  name: N,
  codec: Codec<T>,
];

/** The value that a layout's rows describe: one property a row. */
export type ValueOf<R extends readonly Row[]> = {
  -readonly [K in R[number] as K[1]]: K[2] extends Codec<infer T> ? T : never;
};

/** A binary structure read and written by its layout table. */
export interface Struct<V> {
  readonly name: string;
  readonly sizeBytes: number;
  /** Offset of each field in bytes. */
  readonly offsets: { readonly [K in keyof V]: number };
  /** Reads the structure that starts at `offset`; the bytes must hold all of it. */
  read(bytes: Uint8Array, offset?: number): V;
  /** Writes `value` at `offset`; every field that is not given becomes zero bytes. */
  write(bytes: Uint8Array, value: Partial<V>, offset?: number): void;
  /** A new buffer of `sizeBytes` holding `value`. */
  encode(value: Partial<V>): Uint8Array<ArrayBuffer>;
}

function checkRows(name: string, sizeBytes: number, rows: readonly Row[]): void {
  let end = 0;
  for (const [offset, field, codec] of rows) {
    if (offset !== end) {
      throw new WickError(
        "INTERNAL",
        `Cannot define ${name}.${field}: its offset is 0x${offset.toString(16)}, the fields before it end at 0x${end.toString(16)}`,
      );
    }
    end = offset + codec.sizeBytes;
  }
  if (end !== sizeBytes) {
    throw new WickError("INTERNAL", `Cannot define ${name}: ${end} bytes, wanted ${sizeBytes}`);
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/**
 * Defines a structure from its table. Fails on loading when an offset is not the sum of
 * what precedes it, or when the fields do not add up to `sizeBytes`.
 */
export function struct<const R extends readonly Row[]>(
  name: string,
  sizeBytes: number,
  rows: R,
): Struct<ValueOf<R>> {
  checkRows(name, sizeBytes, rows);
  type V = ValueOf<R>;
  const table: readonly Row[] = rows;
  const offsets = Object.fromEntries(table.map(([o, n]) => [n, o])) as Struct<V>["offsets"];
  const self: Struct<V> = {
    name,
    sizeBytes,
    offsets,
    read(bytes, offset = 0) {
      const view = viewOf(bytes);
      return Object.fromEntries(table.map(([o, n, c]) => [n, c.read(view, offset + o)])) as V;
    },
    write(bytes, value, offset = 0) {
      bytes.fill(0, offset, offset + sizeBytes);
      const view = viewOf(bytes);
      const given = value as Record<string, unknown>;
      for (const [o, n, codec] of table) {
        if (given[n] !== undefined) codec.write(view, offset + o, given[n], `${name}.${n}`);
      }
    },
    encode(value) {
      const bytes = new Uint8Array(sizeBytes);
      self.write(bytes, value);
      return bytes;
    },
  };
  return self;
}
