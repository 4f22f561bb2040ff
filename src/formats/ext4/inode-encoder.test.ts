import { expect, test } from "vitest";
import { encodeDevice } from "./inode-encoder.ts";
import { clampTime, encodeTime, isStorable } from "./times.ts";

const word = (bytes: Uint8Array, at: number): number =>
  new DataView(bytes.buffer, bytes.byteOffset).getUint32(at, true);

test("a device with small numbers has the old form, others the new one", () => {
  expect(word(encodeDevice({ major: 255, minor: 255 }), 0)).toBe(0xffff);
  expect(word(encodeDevice({ major: 8, minor: 1 }), 4)).toBe(0);
  const large = encodeDevice({ major: 300, minor: 70_000 });
  expect(word(large, 0)).toBe(0);
  expect(word(large, 4)).toBe((70_000 & 0xff) | (300 << 8) | ((70_000 & ~0xff) << 12));
  expect(word(encodeDevice({ major: 4095, minor: 1_048_575 }), 4)).toBe(0xffffffff);
});

test("a device with numbers beyond Linux's is refused", () => {
  expect(() => encodeDevice({ major: 4096, minor: 0 })).toThrow(/12 bits/);
  expect(() => encodeDevice({ major: 0, minor: 1_048_576 })).toThrow(/20 for minor/);
});

test("times keep nanoseconds and their epoch", () => {
  expect(encodeTime({ seconds: 0, nanoseconds: 1 })).toEqual({ base: 0, extra: 4 });
  expect(encodeTime({ seconds: -1, nanoseconds: 0 })).toEqual({ base: 0xffffffff, extra: 0 });
  expect(encodeTime({ seconds: 2 ** 31, nanoseconds: 0 })).toEqual({ base: 2 ** 31, extra: 1 });
  expect(encodeTime({ seconds: 2 ** 32, nanoseconds: 0 })).toEqual({ base: 0, extra: 1 });
  expect(encodeTime({ seconds: 2 ** 34 - 2 ** 31 - 1, nanoseconds: 999_999_999 })).toEqual({
    base: 0x7fffffff,
    extra: 999_999_999 * 4 + 3,
  });
});

test("times before 1901 and after 2446 move to the nearest that can be stored", () => {
  expect(isStorable({ seconds: -(2 ** 31), nanoseconds: 0 })).toBe(true);
  expect(isStorable({ seconds: -(2 ** 31) - 1, nanoseconds: 5 })).toBe(false);
  expect(clampTime({ seconds: -(2 ** 40), nanoseconds: 5 })).toEqual({
    seconds: -(2 ** 31),
    nanoseconds: 0,
  });
  expect(clampTime({ seconds: 2 ** 40, nanoseconds: 5 }).seconds).toBe(2 ** 34 - 2 ** 31 - 1);
});
