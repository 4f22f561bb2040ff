import * as fc from "fast-check";
import { expect, test } from "vitest";
import { BytePool } from "./index.ts";

test("what is kept comes back, also past the ends of chunks", () => {
  const strings = fc.array(fc.uint8Array({ maxLength: 5000 }), { maxLength: 60 });
  fc.assert(
    fc.property(strings, (kept) => {
      const pool = new BytePool();
      const places = kept.map((bytes) => pool.append(bytes));
      const back = kept.map((bytes, i) => Buffer.from(pool.view(places[i]!, bytes.length)));
      expect(back).toEqual(kept.map((bytes) => Buffer.from(bytes)));
    }),
  );
});

test("a string of a whole chunk fits, and what is empty takes nothing", () => {
  const pool = new BytePool();
  pool.append(Uint8Array.of(1));
  const whole = new Uint8Array(1 << 16).fill(7);
  expect(pool.append(whole)).toBe(1 << 16);
  expect(pool.append(new Uint8Array())).toBe(2 << 16);
  expect(pool.view(1 << 16, 1 << 16)).toEqual(whole);
});
