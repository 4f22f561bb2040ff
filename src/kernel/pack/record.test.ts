import * as fc from "fast-check";
import { expect, test } from "vitest";
import { storageOf } from "../../bytes/index.ts";
import { isWickError } from "../../errors/index.ts";
import { encodePackRecord, readPackRecord } from "./record.ts";
import type { PackRecord } from "./types.ts";

const record: PackRecord = {
  wick: 1,
  form: "Image",
  arch: "aarch64",
  kernel: { sizeBytes: 64, sha256: "a".repeat(64) },
  initramfs: {
    offset: 100,
    sizeBytes: 28,
    sha256: "b".repeat(64),
    parts: [{ offset: 0, sizeBytes: 28 }],
  },
  memoryEnd: 4096,
  commandLine: "quiet",
  patched: [{ field: "arm64_image_header.code0", offset: 0, was: "4d5a40fa" }],
  leastMemoryMiB: 64,
};

function fileOf(changes: Partial<PackRecord> = {}): Buffer {
  return Buffer.concat([new Uint8Array(128), encodePackRecord({ ...record, ...changes })]);
}

test("a record is read back from a file's end; a file without one has none", () => {
  expect(readPackRecord(storageOf(fileOf()))).toEqual(record);
  expect(readPackRecord(storageOf(fileOf().subarray(0, -1)))).toBeUndefined();
  expect(readPackRecord(storageOf(new Uint8Array(0)))).toBeUndefined();
});

test.each<[string, Partial<PackRecord>]>([
  [
    "the initramfs ends behind the record's start",
    { initramfs: { ...record.initramfs, offset: 101 } },
  ],
  [
    "a part of the initramfs ends behind it",
    { initramfs: { ...record.initramfs, parts: [{ offset: 1, sizeBytes: 28 }] } },
  ],
  ["the kernel reaches into the initramfs", { kernel: { ...record.kernel, sizeBytes: 101 } }],
  [
    "a field lies outside of the kernel",
    { patched: [{ field: "x", offset: 61, was: "00000000" }] },
  ],
])("a record is refused: %s", (_, changes) => {
  expect(() => readPackRecord(storageOf(fileOf(changes)))).toThrow("do not lie in the file");
});

test("K9: a damaged record is read or refused with our error", () => {
  const bytes = fileOf();
  const position = fc.integer({ min: 128, max: bytes.length - 1 });
  fc.assert(
    fc.property(position, fc.nat(255), (at, byte) => {
      const damaged = Buffer.from(bytes);
      damaged[at] = byte;
      try {
        readPackRecord(storageOf(damaged));
      } catch (error) {
        expect(isWickError(error, "KERNEL_INVALID")).toBe(true);
      }
    }),
    { numRuns: 500 },
  );
});
