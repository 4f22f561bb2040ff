import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { joined } from "../../../test/support/joined.ts";
import { temporaryDirectory } from "../../../test/support/temporary-directory.ts";
import { storageOf } from "../../bytes/index.ts";
import { isWickError } from "../../errors/index.ts";
import { encodeBranch, imageHeader } from "../../formats/arm64-image/index.ts";
import { arm64Stub } from "./arm64-stub.ts";
import { packArm64Image } from "./arm64.ts";
import type { PackedLayout, PackRequest } from "./types.ts";

/** Stands for the stub's code; a compiler for aarch64 need not be there. */
function stubOf(): Uint8Array {
  const bytes = new Uint8Array(512).fill(0xee);
  const magic = new TextEncoder().encode("WICKSTUB");
  arm64Stub.write(bytes, { magic, entry: 0x58n });
  return bytes;
}

function kernelOf(header: Parameters<typeof imageHeader.encode>[0] = {}): Uint8Array {
  const bytes = new Uint8Array(10_000).fill(0x5a, 64);
  imageHeader.write(bytes, {
    code0: 0xfa405a4d, // "MZ"
    code1: encodeBranch(4, 0x1000),
    image_size: 20_480n,
    flags: 0b1010n,
    magic: 0x644d5241,
    res5: 0,
    ...header,
  });
  return bytes;
}

const initramfs = new Uint8Array(5000).fill(0x33);

type Request = Omit<Partial<PackRequest>, "kernel"> & { readonly kernel?: Uint8Array };

function pack({ kernel = kernelOf(), ...request }: Request = {}): PackedLayout {
  return packArm64Image({
    kernel: storageOf(kernel),
    kernelName: "Image",
    initramfs: { sizeBytes: initramfs.length },
    commandLine: undefined,
    stub: stubOf,
    ...request,
  });
}

const fileOf = ({ pieces }: PackedLayout): Buffer => Buffer.concat([joined(pieces), initramfs]);

/** Where the first instruction goes, as objdump has it. */
function disassembled(bytes: Uint8Array): number {
  const path = join(temporaryDirectory(), "Image");
  writeFileSync(path, bytes.subarray(0, 8));
  const words = ["-D", "-b", "binary", "-m", "aarch64", path];
  const text = execFileSync("aarch64-linux-gnu-objdump", words, { encoding: "utf8" });
  return Number(/0:\t\w+ \tb\t(0x\w+)/u.exec(text)?.[1]);
}

test("the packed Image branches to the stub, which knows the parts; the header covers all", () => {
  const packed = pack({ commandLine: " console=ttyAMA0 quiet -- a b " });
  const bytes = fileOf(packed);
  expect(disassembled(bytes)).toBe(20_480 + 0x58);
  expect(disassembled(Buffer.from(bytes).fill(0, 0, 4))).toBeNaN();
  const table = arm64Stub.read(bytes, 20_480);
  expect(table).toMatchObject({
    self_offset: 20_480n,
    kernel_offset: 0x1000n,
    initrd_offset: 24_576n,
    initrd_size: 5000n,
  });
  const { before_offset, before_size, after_offset, after_size } = table;
  const text = (offset: number, size: number) =>
    bytes.subarray(20_480 + offset, 20_480 + offset + size).toString();
  expect(text(before_offset, before_size)).toBe("console=ttyAMA0 quiet ");
  expect(text(after_offset, after_size)).toBe("-- a b");
  expect(bytes.subarray(24_576).equals(initramfs)).toBe(true);
  const end = table.scratch_offset + table.stack_size + table.tree_room;
  expect(imageHeader.read(bytes).image_size).toBe(end);
  expect(packed.layout.memoryEnd).toBe((2 << 20) + Number(end));
});

test("with the patched fields put back the kernel is byte for byte what it was", () => {
  const kernel = kernelOf({ res5: 0x40 });
  const packed = pack({ kernel });
  const bytes = fileOf(packed);
  expect(bytes.subarray(0, kernel.length).equals(kernel)).toBe(false);
  for (const { offset, was } of packed.layout.patched) bytes.set(Buffer.from(was, "hex"), offset);
  expect(bytes.subarray(0, packed.layout.kernel.sizeBytes).equals(kernel)).toBe(true);
});

test("file(1) sees an Image and no EFI application any more", () => {
  const path = join(temporaryDirectory(), "packed");
  writeFileSync(path, fileOf(pack()));
  const file = () => execFileSync("file", ["-b", path], { encoding: "utf8" });
  expect(file()).toContain("ARM64 boot executable Image");
  expect(pack().layout.warnings.join()).toContain("not from EFI");
  writeFileSync(path, fileOf(pack()).fill(0, 56, 60));
  expect(file()).not.toContain("ARM64");
});

test("with pages of 64 KiB, or unknown ones, no two parts share a page", () => {
  for (const flags of [0b110n, 0n]) {
    const table = arm64Stub.read(fileOf(pack({ kernel: kernelOf({ flags }) })), 65_536);
    expect(table).toMatchObject({ initrd_offset: 131_072n, scratch_offset: 196_608n });
  }
});

test("a too long command line and a kernel beyond a branch's reach are refused", () => {
  expect(() => pack({ commandLine: "x".repeat(2048) })).toThrow("the kernel takes 2047");
  const kernel = kernelOf({ image_size: BigInt(128 << 20) });
  expect(() => pack({ kernel })).toThrow("wanted at most 128 MiB");
});

test("K9: a truncated or damaged Image is packed or refused with our error", () => {
  const good = kernelOf();
  const change = fc.tuple(fc.nat(63), fc.nat(255));
  const cases = fc.tuple(fc.array(change, { maxLength: 4 }), fc.nat(good.length));
  fc.assert(
    fc.property(cases, ([changes, length]) => {
      const kernel = good.slice(0, length);
      for (const [at, byte] of changes) if (at < length) kernel[at] = byte;
      try {
        const packed = pack({ kernel });
        const { offset } = packed.layout.initramfs;
        expect(fileOf(packed).length).toBe(offset + initramfs.length);
      } catch (error) {
        expect(isWickError(error, "KERNEL_INVALID")).toBe(true);
      }
    }),
  );
});
