import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { Entry, Xattr } from "./entry.ts";
import { EntryLog } from "./entry-log.ts";
import { NO_PLACE } from "./sink.ts";

const bytes = fc.uint8Array({ maxLength: 40 });
const id = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const list: fc.Arbitrary<Xattr[]> = fc.array(fc.record({ name: bytes, value: bytes }), {
  maxLength: 2,
});
const entry: fc.Arbitrary<Entry> = fc
  .record({
    type: fc.constantFrom("file", "directory", "symlink", "hardlink", "char", "block", "fifo"),
    path: fc.oneof(bytes, fc.uint8Array({ minLength: 500, maxLength: 5000, size: "max" })),
    size: fc.nat(Number.MAX_SAFE_INTEGER),
    mode: fc.nat(0o7777),
    uid: id,
    gid: id,
    mtime: fc.record({
      seconds: fc.integer({ min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER }),
      nanoseconds: fc.nat(999_999_999),
    }),
    xattrs: list,
    target: bytes,
    rdev: fc.record({ major: fc.nat(4095), minor: fc.nat(1_048_575) }),
  })
  .map(({ type, target, rdev, size, ...rest }) => ({
    ...rest,
    type,
    size: type === "file" ? size : 0,
    ...(type === "symlink" || type === "hardlink" ? { target } : {}),
    ...(type === "char" || type === "block" ? { rdev } : {}),
  })) as fc.Arbitrary<Entry>;
const place = fc.oneof(fc.constant(NO_PLACE), fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }));

test("what is put into a log comes out as it was, in order", () => {
  const records = fc.array(fc.tuple(entry, place), { maxLength: 60 });
  fc.assert(
    fc.property(records, (given) => {
      const log = new EntryLog();
      for (const [one, where] of given) log.add(one, where);
      const taken = [...log.take()];
      expect(taken).toEqual(
        given.map(([one, where]) => ({
          entry: { ...one, path: new Uint8Array(one.path) },
          place: one.type === "file" ? where : NO_PLACE,
        })),
      );
      expect([...log.take()]).toEqual([]);
    }),
  );
});

const blank = {
  type: "file",
  size: 1234,
  mode: 0o644,
  uid: 0,
  gid: 0,
  mtime: { seconds: 1_600_000_000, nanoseconds: 0 },
  xattrs: [],
} as const;

test("entries take some forty bytes each, over the ends of chunks, and equal attributes one place", () => {
  const log = new EntryLog();
  const xattrs = [{ name: Buffer.from("security.x"), value: Buffer.from("label") }];
  const path = (i: number): Buffer => Buffer.from(`usr/share/some/directory/file-${i}.txt`);
  for (let i = 0; i < 100_000; i++) log.add({ ...blank, xattrs, path: path(i) }, i);
  expect(log.sizeBytes).toBeLessThan(4e6);
  let i = 0;
  for (const { entry: one, place: where } of log.take()) {
    expect(where).toBe(i);
    if (i % 1000 === 0) expect(Buffer.from(one.path).equals(path(i))).toBe(true);
    i++;
  }
  expect(i).toBe(100_000);
});

test("a path longer than a chunk fits, and a number that is none is refused", () => {
  const log = new EntryLog();
  const long = new Uint8Array(3 << 20).fill(0x61);
  log.add({ ...blank, path: new Uint8Array([0x62]) }, 1);
  log.add({ ...blank, path: long }, 2);
  log.add({ ...blank, path: long }, 3);
  const sizes = Array.from(log.take(), ({ entry: one }) => one.path.length);
  expect(sizes).toEqual([1, long.length, long.length]);
  for (const uid of [-1, 0.5, Number.NaN, 2 ** 53]) {
    expect(() => log.add({ ...blank, uid, path: new Uint8Array([1]) }, 0)).toThrow("numbers");
  }
});
