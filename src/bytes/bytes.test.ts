import * as fc from "fast-check";
import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import {
  alignUp,
  compareBytes,
  crc32c,
  display,
  isZero,
  toSafeNumber,
  uint16Column,
  utf8,
  uuidText,
} from "./index.ts";

test("crc32c gives the check values of RFC 3720, B.4, and chains", () => {
  const inverted = (bytes: Uint8Array): number => ~crc32c(0xffffffff, bytes) >>> 0;
  expect(inverted(new Uint8Array(32))).toBe(0x8a9136aa);
  expect(inverted(new Uint8Array(32).fill(0xff))).toBe(0x62a8ab43);
  expect(inverted(Uint8Array.from({ length: 32 }, (_, i) => i))).toBe(0x46dd794e);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(100), (bytes, cut) => {
      const chained = crc32c(crc32c(7, bytes.subarray(0, cut)), bytes.subarray(cut));
      expect(chained).toBe(crc32c(7, bytes));
    }),
  );
});

test("isZero sees any single bit, wherever the bytes lie in their buffer", () => {
  for (let start = 0; start < 9; start++) {
    const bytes = new Uint8Array(new ArrayBuffer(64), start, 40);
    expect(isZero(bytes)).toBe(true);
    for (let bit = 0; bit < 320; bit++) {
      bytes[bit >> 3]! |= 1 << (bit & 7);
      expect([start, bit, isZero(bytes)]).toEqual([start, bit, false]);
      bytes[bit >> 3] = 0;
    }
  }
});

test("a number beyond 2^53 is refused by name, not rounded", () => {
  expect(toSafeNumber((1n << 53n) - 1n, "the size")).toBe(Number.MAX_SAFE_INTEGER);
  expect(() => toSafeNumber(1n << 53n, "the size")).toThrow("Cannot use the size");
  expect([alignUp(0, 8), alignUp(1, 8), alignUp(2 ** 40, 4096)]).toEqual([0, 8, 2 ** 40]);
});

test("text for people shows what would move the cursor or turn the line around", () => {
  expect(display(utf8("naïve 日本"))).toBe("naïve 日本");
  expect(display(Uint8Array.of(0x61, 0xff, 0x0a))).toBe(String.raw`a\xff\x0a`);
  expect(display(utf8("\x1b[2J\u202egnp.exe\u0085"))).toBe(String.raw`\x1b[2J\u{202e}gnp.exe\x85`);
});

test("names are ordered as memcmp orders them", () => {
  fc.assert(
    fc.property(fc.uint8Array(), fc.uint8Array(), (a, b) => {
      expect(Math.sign(compareBytes(a, b))).toBe(Buffer.compare(a, b));
    }),
  );
});

test("a UUID is written as everybody writes it", () => {
  const uuid = randomUUID();
  expect(uuidText(Buffer.from(uuid.replaceAll("-", ""), "hex"))).toBe(uuid);
});

test("a column grows and keeps what it had", () => {
  const column = uint16Column();
  for (let i = 0; i < 10_000; i++) expect(column.push(i)).toBe(i);
  column.set(4096, 7);
  const values = [0, 4095, 4096, 4097, 9999].map((i) => column.get(i));
  expect([column.length, ...values]).toEqual([10_000, 0, 4095, 7, 4097, 9999]);
});
