import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as fc from "fast-check";
import { beforeAll, expect, test } from "vitest";
import { bzImageOf } from "../../../test/support/bz-image.ts";
import { joined } from "../../../test/support/joined.ts";
import { lastingDirectory, temporaryDirectory } from "../../../test/support/temporary-directory.ts";
import { storageOf } from "../../bytes/index.ts";
import { isWickError } from "../../errors/index.ts";
import { readBzImage, SETUP_HEADER_OFFSET, setupHeader } from "../../formats/bzimage/index.ts";
import { stubBinary } from "../../guest/index.ts";
import { bzImageStub } from "./bzimage-stub.ts";
import { packBzImage } from "./bzimage.ts";
import type { PackedLayout, PackRequest } from "./types.ts";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const stubs = here("../../guest/stubs");

let program: string;

beforeAll(() => {
  execFileSync(process.execPath, [here("../../../scripts/build-init.mjs"), "x86_64"]);
  program = join(lastingDirectory(), "prepare");
  const flags = ["-std=gnu11", "-g", "-O1", "-fsanitize=undefined", "-fno-sanitize-recover=all"];
  const more = ["-fno-strict-aliasing", "-Wall", "-Wextra", "-Werror", `-I${stubs}`];
  const sources = ["x86_64-bzimage.c", "command-line.c"].map((name) => join(stubs, name));
  const main = here("../../../test/support/guest/prepare-bzimage.c");
  execFileSync(process.env["CC"] ?? "cc", [...flags, ...more, "-o", program, main, ...sources]);
}, 60_000);

type Header = Partial<ReturnType<typeof setupHeader.read>>;

/** Where the tests' kernel is loaded, and where it wants to run. */
const LOADED = 0x10100000;
const PREFERRED = 0x10104000;
const SETUP_BYTES = 1024;

/** 3 KiB of code with an entry at its start and one at 0x200; the file has an odd length. */
function kernelOf(changes: Header = {}): Buffer {
  const file = Buffer.concat([bzImageOf(Buffer.alloc(2000, 0x77)), Buffer.from("sig")]);
  file.write("MZ");
  file
    .fill(0xfc, SETUP_BYTES, SETUP_BYTES + 8)
    .fill(0xfa, SETUP_BYTES + 0x200, SETUP_BYTES + 0x208);
  const header = {
    ...setupHeader.read(file, SETUP_HEADER_OFFSET),
    code32_start: 0x100000,
    xloadflags: 0b1111,
    relocatable_kernel: 1,
    kernel_alignment: 0x1000,
    pref_address: BigInt(PREFERRED),
    init_size: 0x8000,
    handover_offset: 0x190,
    ...changes,
  };
  setupHeader.write(file, header, SETUP_HEADER_OFFSET);
  return file;
}

const initramfs = Buffer.from(Uint8Array.from({ length: 50_000 }, (_, i) => i * 7));

type Request = Omit<Partial<PackRequest>, "kernel"> & { readonly kernel?: Uint8Array };

function pack({ kernel = kernelOf(), ...request }: Request = {}): PackedLayout {
  return packBzImage({
    kernel: storageOf(kernel),
    kernelName: "vmlinuz",
    initramfs: { sizeBytes: initramfs.length },
    commandLine: undefined,
    stub: (name) => readFileSync(stubBinary(name)),
    ...request,
  });
}

const fileOf = ({ pieces, layout }: PackedLayout): Buffer =>
  Buffer.concat([joined(pieces), initramfs.subarray(0, layout.initramfs.sizeBytes)]);

/** Where objdump sees the jumps at both entries go, from the start of the code. */
function jumps(bytes: Uint8Array): number[] {
  const path = join(temporaryDirectory(), "code");
  writeFileSync(path, bytes.subarray(SETUP_BYTES));
  const words = ["-D", "-b", "binary", "-m", "i386:x86-64", "--stop-address=0x208", path];
  const text = execFileSync("objdump", words, { encoding: "utf8" });
  return [...text.matchAll(/^ +(?:0|200):\t.*\tjmp +0x(\w+)$/gmu)].map(([, to]) =>
    parseInt(to!, 16),
  );
}

/** The offsets of both stubs' tables in the code. */
function tables(bytes: Buffer): number[] {
  const first = bytes.indexOf("WICKSTUB");
  return [first, bytes.indexOf("WICKSTUB", first + 1)].map((at) => at - SETUP_BYTES);
}

test("objdump: both entries jump to the stubs, whose tables have what the jumps replaced", () => {
  const bytes = fileOf(pack({ commandLine: "console=ttyS0 quiet -- a b" }));
  const places = tables(bytes);
  const read = (at: number) => bzImageStub.read(bytes, SETUP_BYTES + at);
  expect(jumps(bytes)).toEqual(places.map((at) => at + read(at).entry));
  expect(jumps(Buffer.from(bytes).fill(0, SETUP_BYTES, SETUP_BYTES + 5))).toHaveLength(1);
  for (const [i, at] of places.entries()) {
    const fields = read(at);
    expect(fields).toMatchObject({ distance: at, kernel: i * 0x200, room: 2048 });
    expect([...fields.startup_32, ...fields.startup_64]).toEqual([
      ...Array(8).fill(0xfc),
      ...Array(8).fill(0xfa),
    ]);
    const text = (offset: number, size: number) =>
      bytes.subarray(SETUP_BYTES + at + offset, SETUP_BYTES + at + offset + size).toString();
    expect(text(fields.before_offset, fields.before_size)).toBe("console=ttyS0 quiet ");
    expect(text(fields.after_offset, fields.after_size)).toBe("-- a b");
  }
});

test("the header covers the file and the memory; EFI's ways in are closed, and that is said", () => {
  const packed = pack();
  const bytes = fileOf(packed);
  const { header, code } = readBzImage(storageOf(bytes));
  expect(code.sizeBytes).toBe(bytes.length - SETUP_BYTES);
  expect(header).toMatchObject({ xloadflags: 0b11, handover_offset: 0, code32_start: 0x100000 });
  expect(bytes.readUInt16LE(0)).toBe(0);
  expect(packed.layout.warnings.join()).toContain("not from EFI");
  expect(packed.layout.memoryEnd).toBe(PREFERRED + header.init_size);
  const plain = kernelOf().fill(0, 0, 2);
  expect(pack({ kernel: plain }).layout.warnings).toEqual([]);
});

test("without a 64-bit entry only the 32-bit one is changed", () => {
  const kernel = kernelOf({ xloadflags: 0 });
  expect(jumps(fileOf(pack({ kernel })))).toHaveLength(1);
});

test("with the patched fields put back the kernel is byte for byte what it was", () => {
  const packed = pack();
  const bytes = fileOf(packed);
  expect(bytes.subarray(0, kernelOf().length).equals(kernelOf())).toBe(false);
  for (const { offset, was } of packed.layout.patched) bytes.set(Buffer.from(was, "hex"), offset);
  expect(bytes.subarray(0, packed.layout.kernel.sizeBytes).equals(kernelOf())).toBe(true);
  expect(fileOf(pack()).equals(fileOf(pack()))).toBe(true);
});

/** What the stub makes of the loaded file. */
function prepared(
  bytes: Buffer,
  { table = 0, line = "", at = LOADED }: { table?: number; line?: string; at?: number } = {},
) {
  const size = 0x40000;
  const words = [at, size, tables(bytes)[table]!].map(String);
  const { status, stdout, stderr } = spawnSync(program, [...words, line], {
    input: bytes.subarray(SETUP_BYTES),
    maxBuffer: 1 << 24,
  });
  expect(stderr.toString()).toBe("");
  expect(status).toBe(0);
  const memory = stdout.subarray(0, size);
  const params = stdout.subarray(size, size + 4096);
  const address = params.readUInt32LE(0x218);
  const text = params.readUInt32LE(0x228) - at;
  const isOurs = text > 0 && text < size;
  return {
    memory,
    address,
    ramdisk: memory.subarray(address - at, address - at + params.readUInt32LE(0x21c)),
    initSize: params.readUInt32LE(0x260),
    line: isOurs ? memory.toString("latin1", text, memory.indexOf(0, text)) : undefined,
    next: Number(stdout.readBigUInt64LE(size + 4096)) - at,
  };
}

test.each([0, 1])(
  "the stub moves the initramfs behind init_size and restores the kernel (entry %i)",
  (table) => {
    const bytes = fileOf(pack({ commandLine: "first=1 -- a" }));
    const result = prepared(bytes, { table, line: "vmm=1 -- b" });
    expect(result.ramdisk.equals(initramfs)).toBe(true);
    expect(result.address).toBe(PREFERRED + 0x9000);
    expect(result.line).toBe("first=1 vmm=1 -- a b");
    expect(result.next).toBe(table * 0x200);
    expect(result.initSize).toBe(0x8000);
    const code = kernelOf().subarray(SETUP_BYTES);
    expect(result.memory.subarray(0, code.length).equals(code)).toBe(true);
  },
);

test("without a built-in command line the loader's stays where it is", () => {
  expect(prepared(fileOf(pack()), { line: "vmm=1" }).line).toBeUndefined();
});

test("wherever it is loaded, the initramfs is whole, outside of init_size, in what the header claims", () => {
  const sizes = fc.record({
    initSize: fc.integer({ min: 1, max: 0x10000 }),
    preferred: fc.nat(8).map((pages) => pages * 0x1000),
    alignment: fc.constantFrom(0, 0x1000, 0x2000, 0x4000),
    length: fc.integer({ min: 1, max: initramfs.length }),
  });
  fc.assert(
    fc.property(sizes, ({ initSize, preferred, alignment, length }) => {
      // By boot.rst a kernel that is not relocatable is loaded where it runs, or below.
      const pref = LOADED + preferred;
      const kernel = kernelOf({
        init_size: initSize,
        pref_address: BigInt(pref),
        relocatable_kernel: alignment === 0 ? 0 : 1,
        kernel_alignment: alignment || 0x1000,
      });
      const bytes = fileOf(pack({ kernel, initramfs: { sizeBytes: length } }));
      const { header } = readBzImage(storageOf(bytes));
      const aligned = Math.ceil(LOADED / (alignment || 1)) * (alignment || 1);
      const runtime = alignment === 0 ? pref : Math.max(pref, aligned);
      const { ramdisk, address } = prepared(bytes);
      expect(ramdisk.equals(initramfs.subarray(0, length))).toBe(true);
      expect(address).toBeGreaterThanOrEqual(runtime + initSize);
      expect(address + length).toBeLessThanOrEqual(runtime + header.init_size);
    }),
    { numRuns: 40 },
  );
}, 60_000);

test.each<[string, Header, string]>([
  ["an old boot protocol", { version: 0x0209 }, "boot protocol 2.9, wanted 2.10"],
  ["another entry", { code32_start: 0x200000 }, "code32_start is 0x200000"],
  ["an address above 1 GiB", { pref_address: 1n << 30n }, "between 1 MiB and 1 GiB"],
  ["an address far away", { pref_address: 1n << 63n }, "between 1 MiB and 1 GiB"],
  ["an address within a page", { pref_address: 0x1000001n }, "wanted a multiple of 4096"],
  ["no memory", { init_size: 0 }, "between 1 MiB and 1 GiB"],
  ["an odd alignment", { kernel_alignment: 3 }, "aligned to 3"],
  ["a zImage", { loadflags: 0 }, "a zImage"],
  ["code that is not there", { syssize: 1 << 20 }, "it is truncated"],
])("%s is refused", (_, header, message) => {
  expect(() => pack({ kernel: kernelOf(header) })).toThrow(message);
});

test("K9: a truncated or damaged bzImage is packed or refused with our error", () => {
  const good = kernelOf();
  const change = fc.tuple(fc.integer({ min: 0x1f0, max: 0x270 }), fc.nat(255));
  const cases = fc.tuple(fc.array(change, { maxLength: 4 }), fc.nat(good.length));
  fc.assert(
    fc.property(cases, ([changes, cut]) => {
      const kernel = Buffer.from(good.subarray(0, cut % 3 === 0 ? cut : good.length));
      for (const [at, byte] of changes) if (at < kernel.length) kernel[at] = byte;
      try {
        const packed = pack({ kernel });
        const { layout } = packed;
        expect(fileOf(packed).length).toBe(layout.initramfs.offset + initramfs.length);
        expect(layout.memoryEnd).toBeLessThanOrEqual(2 ** 31);
      } catch (error) {
        expect(isWickError(error, "KERNEL_INVALID")).toBe(true);
      }
    }),
    { numRuns: 500 },
  );
});
