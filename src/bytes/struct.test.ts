import * as fc from "fast-check";
import { expect, test } from "vitest";
import { array, be32, le16, le32, le64, raw, struct, u8 } from "./index.ts";

const sample = struct("sample", 0x1c, [
  [0x00, "byte", u8],
  [0x01, "magic", raw(3)],
  [0x04, "short", le16],
  [0x06, "pair", array(le16, 2, 0)],
  [0x0a, "word", le32],
  [0x0e, "network", be32],
  [0x12, "long", le64],
  [0x1a, "last", le16],
]);

test("a layout whose offsets are not the sum of what precedes them fails when it is defined", () => {
  expect(() =>
    struct("gap", 4, [
      [0, "a", u8],
      [2, "b", le16],
    ]),
  ).toThrow("Cannot define gap.b: its offset is 0x2, the fields before it end at 0x1");
  expect(() => struct("short", 4, [[0, "a", le16]])).toThrow(
    "Cannot define short: 2 bytes, wanted 4",
  );
});

test("what is written is read back, at any offset, and touches nothing around it", () => {
  const value = fc.record({
    byte: fc.nat(0xff),
    magic: fc.uint8Array({ minLength: 3, maxLength: 3 }),
    short: fc.nat(0xffff),
    pair: fc.tuple(fc.nat(0xffff), fc.nat(0xffff)),
    word: fc.nat(0xffffffff),
    network: fc.nat(0xffffffff),
    long: fc.bigInt(0n, (1n << 64n) - 1n),
    last: fc.nat(0xffff),
  });
  fc.assert(
    fc.property(value, fc.nat(9), (written, offset) => {
      const bytes = new Uint8Array(64).fill(0xaa);
      sample.write(bytes, written, offset);
      expect(sample.read(bytes, offset)).toEqual(written);
      const around = [...bytes.subarray(0, offset), ...bytes.subarray(offset + sample.sizeBytes)];
      expect(new Set(around)).toEqual(new Set([0xaa]));
    }),
  );
});

test("bytes lie in the order that the layout names; what is not given is zero", () => {
  const bytes = Buffer.from(sample.encode({ short: 0x0102, network: 0x01020304, long: 1n }));
  expect(bytes.toString("hex").match(/.{8}/g)).toEqual([
    "00000000", // byte, magic
    "02010000", // short, and half of pair
    "00000000",
    "00000102", // word's end, network's first half
    "03040100", // network's second half, long
    "00000000",
    "00000000",
  ]);
});

test.each([
  ["byte", 256],
  ["short", 0x10000],
  ["word", 2 ** 32],
  ["word", -1],
  ["network", 0.5],
  ["long", 1n << 64n],
  ["long", -1n],
  ["magic", new Uint8Array(4)],
  ["pair", [1, 2, 3]],
  ["pair", [0, 0x10000]],
])("%s refuses %s by name, and never cuts it", (field, value) => {
  const words = new RegExp(`^Cannot store sample\\.${field}(\\[1\\])?: `);
  expect(() => sample.encode({ [field]: value })).toThrow(words);
});
