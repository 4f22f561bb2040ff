import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { temporaryDirectory } from "../../../test/support/temporary-directory.ts";
import { storageOf } from "../../bytes/index.ts";
import { isWickError } from "../../errors/index.ts";
import { branchTarget, encodeBranch, imageHeader, readArm64Image, readZboot } from "./index.ts";

type Header = Parameters<typeof imageHeader.encode>[0];

const plain: Header = {
  code0: encodeBranch(0, 0x1000),
  image_size: 0x3000n,
  flags: 0b1010n,
  magic: 0x644d5241,
};

function imageOf(header: Header, fileBytes = 0x2000): Uint8Array {
  const bytes = new Uint8Array(fileBytes);
  imageHeader.write(bytes, header);
  return bytes;
}

const read = (header: Header, fileBytes?: number) =>
  readArm64Image(storageOf(imageOf(header, fileBytes)));

test("a header is read with its branch, sizes and flags", () => {
  expect(read(plain)).toMatchObject({
    branchField: "code0",
    entryOffset: 0x1000,
    imageBytes: 0x3000,
    textOffset: 0,
    pageSize: 4096,
    bigEndian: false,
    efi: false,
  });
  const efi = { ...plain, code0: 0xfa405a4d, code1: encodeBranch(4, 0x1800), flags: 0b110n };
  const found = read(efi);
  expect(found).toMatchObject({ branchField: "code1", entryOffset: 0x1800, efi: true });
  expect(found.pageSize).toBe(65536);
});

test("file(1) knows the header; it does not with another magic", () => {
  const path = join(temporaryDirectory(), "Image");
  const file = (header: Header) => {
    writeFileSync(path, imageOf(header));
    return execFileSync("file", ["-b", path], { encoding: "utf8" });
  };
  expect(file(plain)).toContain("Linux kernel ARM64 boot executable Image, little-endian, 4K");
  expect(file({ ...plain, magic: 1 })).not.toContain("ARM64");
});

test("objdump takes a branch where it was meant to go, forwards and backwards", () => {
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, encodeBranch(0, 0x7fffffc), true);
  view.setUint32(4, encodeBranch(4, 0x123458), true);
  view.setUint32(8, encodeBranch(8, 0), true);
  const path = join(temporaryDirectory(), "code");
  writeFileSync(path, bytes);
  const words = ["-D", "-b", "binary", "-m", "aarch64", path];
  const text = execFileSync("aarch64-linux-gnu-objdump", words, { encoding: "utf8" });
  expect([...text.matchAll(/\tb\t(0x\w+)/gu)].map(([, to]) => Number(to))).toEqual([
    0x7fffffc, 0x123458, 0,
  ]);
});

test("a branch decodes to what was encoded; beyond 128 MiB there is none", () => {
  const position = fc.nat(1 << 24).map((n) => n * 4);
  fc.assert(
    fc.property(position, position, (from, to) => {
      expect(branchTarget(encodeBranch(from, to), from)).toBe(to);
    }),
  );
  expect(branchTarget(0xfa405a4d, 0)).toBeUndefined();
  expect(() => encodeBranch(0, 1 << 27)).toThrow("within 128 MiB");
  expect(() => encodeBranch(0, 2)).toThrow("multiple of 4");
});

test.each<[string, Header]>([
  ["wanted an arm64 Image", { ...plain, magic: 0 }],
  ["neither code0 nor code1 is a branch", { ...plain, code0: 0 }],
  ["starts at byte 0,", { ...plain, code0: encodeBranch(0, 0) }],
  ["starts at byte 8192,", { ...plain, code0: encodeBranch(0, 0x2000) }],
  ["image_size is 0", { ...plain, image_size: 0n }],
  ["the limit is 1 GiB", { ...plain, image_size: 1n << 63n }],
  ["text_offset is 2097152", { ...plain, text_offset: 2n << 20n }],
])("K9: an Image is refused: %s", (words, header) => {
  expect(() => read(header)).toThrow(words);
});

test("K9: any header is read or refused with our error", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 0, maxLength: 64 }), fc.boolean(), (bytes, magic) => {
      const image = new Uint8Array(4096);
      image.set(bytes);
      if (magic) image.set([0x41, 0x52, 0x4d, 0x64], 56);
      readZboot(storageOf(image));
      try {
        readArm64Image(storageOf(image));
      } catch (error) {
        expect(isWickError(error, "KERNEL_INVALID")).toBe(true);
      }
    }),
    { numRuns: 1000 },
  );
});
