import { WickError } from "../errors/index.ts";

/** One field's form in a binary structure: how long it is, how to read and write it. */
export interface Codec<T> {
  readonly sizeBytes: number;
  read(view: DataView, offset: number): T;
  /** Writes `value`; `field` names it in the error when it does not fit. */
  write(view: DataView, offset: number, value: T, field: string): void;
}

function outOfRange(field: string, value: number | bigint, bits: number): WickError {
  return new WickError(
    "VALUE_OUT_OF_RANGE",
    `Cannot store ${field}: ${value} does not fit into ${bits} unsigned bits`,
  );
}

function unsigned(bits: 8 | 16 | 32, littleEndian: boolean): Codec<number> {
  const limit = 2 ** bits;
  const get = { 8: "getUint8", 16: "getUint16", 32: "getUint32" } as const;
  const set = { 8: "setUint8", 16: "setUint16", 32: "setUint32" } as const;
  return {
    sizeBytes: bits / 8,
    read: (view, offset) => view[get[bits]](offset, littleEndian),
    write(view, offset, value, field) {
      if (!Number.isInteger(value) || value < 0 || value >= limit) {
        throw outOfRange(field, value, bits);
      }
      view[set[bits]](offset, value, littleEndian);
    },
  };
}

function unsigned64(littleEndian: boolean): Codec<bigint> {
  return {
    sizeBytes: 8,
    read: (view, offset) => view.getBigUint64(offset, littleEndian),
    write(view, offset, value, field) {
      if (value < 0n || value >= 1n << 64n) throw outOfRange(field, value, 64);
      view.setBigUint64(offset, value, littleEndian);
    },
  };
}

export const u8 = unsigned(8, true);
export const le16 = unsigned(16, true);
export const le32 = unsigned(32, true);
export const le64 = unsigned64(true);
export const be32 = unsigned(32, false);
export const be64 = unsigned64(false);

/** `length` raw bytes; a shorter value is padded with zeros, a longer one refused. */
export function raw(length: number): Codec<Uint8Array> {
  return {
    sizeBytes: length,
    read: (view, offset) => new Uint8Array(view.buffer, view.byteOffset + offset, length).slice(),
    write(view, offset, value, field) {
      if (value.length > length) {
        throw new WickError(
          "VALUE_OUT_OF_RANGE",
          `Cannot store ${field}: ${value.length} bytes, the field holds ${length}`,
        );
      }
      const target = new Uint8Array(view.buffer, view.byteOffset + offset, length);
      target.fill(0);
      target.set(value);
    },
  };
}

/** `length` values of one codec in a row; missing ones are written as zeros by `zero`. */
export function array<T>(codec: Codec<T>, length: number, zero: T): Codec<readonly T[]> {
  return {
    sizeBytes: codec.sizeBytes * length,
    read: (view, offset) =>
      Array.from({ length }, (_, i) => codec.read(view, offset + i * codec.sizeBytes)),
    write(view, offset, value, field) {
      if (value.length > length) {
        throw new WickError(
          "VALUE_OUT_OF_RANGE",
          `Cannot store ${field}: ${value.length} elements, the field holds ${length}`,
        );
      }
      for (let i = 0; i < length; i++) {
        codec.write(view, offset + i * codec.sizeBytes, value[i] ?? zero, `${field}[${i}]`);
      }
    },
  };
}
