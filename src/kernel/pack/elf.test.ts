import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as fc from "fast-check";
import { beforeAll, expect, test } from "vitest";
import { elfKernel, KERNEL_ADDRESS, PVH_ENTRY } from "../../../test/support/elf-kernel.ts";
import { joined } from "../../../test/support/joined.ts";
import { temporaryDirectory } from "../../../test/support/temporary-directory.ts";
import { storageOf } from "../../bytes/index.ts";
import { isWickError } from "../../errors/index.ts";
import { readElf } from "../../formats/elf/index.ts";
import { stubBinary } from "../../guest/index.ts";
import { pvhEntryOf } from "../vmlinux.ts";
import { elfStub } from "./elf-stub.ts";
import { packElf } from "./elf.ts";
import type { PackedLayout, PackRequest } from "./types.ts";

const buildInit = fileURLToPath(new URL("../../../scripts/build-init.mjs", import.meta.url));

beforeAll(() => {
  execFileSync(process.execPath, [buildInit, "x86_64"]);
}, 60_000);

const initramfs = Buffer.alloc(5000, 0x33);

type Request = Omit<Partial<PackRequest>, "kernel"> & { readonly kernel?: Uint8Array };

function pack({ kernel = elfKernel(), ...request }: Request = {}): PackedLayout {
  return packElf({
    kernel: storageOf(kernel),
    kernelName: "vmlinux",
    initramfs: { sizeBytes: initramfs.length },
    commandLine: undefined,
    stub: (name) => readFileSync(stubBinary(name)),
    ...request,
  });
}

const fileOf = ({ pieces }: PackedLayout): Buffer => Buffer.concat([joined(pieces), initramfs]);

/** The kernel ends at 0x1008000, on a page of its own. */
const STUBS = KERNEL_ADDRESS + 0x8000;

function readelf(bytes: Uint8Array): { stdout: string; stderr: string } {
  const path = join(temporaryDirectory(), "vmlinux");
  writeFileSync(path, bytes);
  return spawnSync("readelf", ["-lhnW", path], { encoding: "utf8" });
}

/** The memory that a loader makes of the file: each segment's bytes, the rest zero. */
function loaded(bytes: Uint8Array): Buffer {
  const memory = Buffer.alloc(0x20000, 0xcc);
  for (const segment of readElf(bytes).segments) {
    if (segment.type !== 1) continue;
    const [at, from] = [Number(segment.physicalAddress) - KERNEL_ADDRESS, Number(segment.offset)];
    memory.fill(0, at, at + Number(segment.memorySize));
    memory.set(bytes.subarray(from, from + Number(segment.fileSize)), at);
  }
  return memory;
}

test("readelf finds the kernel's memory, both stubs' entries and the initramfs; no sections", () => {
  const bytes = fileOf(pack());
  const { stdout, stderr } = readelf(bytes);
  expect(stderr).toBe("");
  expect(stdout).toContain("Number of section headers:         0\n");
  const entry = /Entry point address: +0x(\w+)/u.exec(stdout)![1]!;
  expect(parseInt(entry, 16)).toBe(Number(readElf(bytes).entry));
  expect(parseInt(entry, 16)).toBeGreaterThan(STUBS);
  const loads = stdout.match(/^ +LOAD .*/gmu)!.map((row) => row.trim().split(/ +/u));
  // Offset, VirtAddr, PhysAddr, FileSiz, MemSiz: code, code behind the hole, data with bss.
  expect(
    loads.map(([, , , physical, file, memory]) => [physical, file, memory].map(Number)),
  ).toEqual([
    [KERNEL_ADDRESS, 0x1000, 0x2000],
    [KERNEL_ADDRESS + 0x2000, 0x2000, 0x2000],
    [KERNEL_ADDRESS + 0x4000, 0x1000, 0x4000],
    [STUBS, expect.any(Number), expect.any(Number)],
    [STUBS + 0x1000, 5000, 5000],
  ]);
  // The oracle notices a segment that is not in the file.
  expect(readelf(bytes.subarray(0, -1)).stderr + readelf(bytes.subarray(0, 200)).stderr).not.toBe(
    "",
  );
});

test("memory is what the kernel's own segments make of it, the stubs and the initramfs behind", () => {
  const kernel = elfKernel();
  const bytes = fileOf(pack({ commandLine: "quiet -- a" }));
  const [was, is] = [loaded(kernel), loaded(bytes)];
  expect(is.subarray(0, 0x8000).equals(was.subarray(0, 0x8000))).toBe(true);
  const second = elfStub.read(is, 0x8000);
  const at = Number(second.paddr) - KERNEL_ADDRESS;
  expect(is.subarray(at, at + 5000).equals(initramfs)).toBe(true);
  expect(at % 4096).toBe(0);
  expect(pack({ commandLine: "quiet -- a" }).layout.memoryEnd).toBe(KERNEL_ADDRESS + at + 8192);
});

test("objdump: each entry takes its stub's table, and goes on to the kernel by it", () => {
  const is = loaded(fileOf(pack({ commandLine: "console=ttyS0 quiet -- a b" })));
  const packed = fileOf(pack({ commandLine: "console=ttyS0 quiet -- a b" }));
  const entries = [pvhEntryOf(readElf(packed))!, Number(readElf(packed).entry)];
  const own = [PVH_ENTRY, KERNEL_ADDRESS];
  const machines = ["i386", "i386:x86-64"];
  for (const [i, entry] of entries.entries()) {
    const table = entry - KERNEL_ADDRESS - elfStub.sizeBytes;
    const fields = elfStub.read(is, table);
    expect(fields).toMatchObject({ kernel: BigInt(own[i]!), size: 5000n, room: 2048 });
    const text = (offset: number, size: number) =>
      is.subarray(table + offset, table + offset + size).toString();
    expect(text(fields.before_offset, fields.before_size)).toBe("console=ttyS0 quiet ");
    expect(text(fields.after_offset, fields.after_size)).toBe("-- a b");
    const path = join(temporaryDirectory(), "code");
    const code = is.subarray(table + elfStub.sizeBytes, table + elfStub.sizeBytes + 0x30);
    const words = ["-D", "-b", "binary", "-m", machines[i]!, path];
    const disassembled = () => {
      writeFileSync(path, code);
      return execFileSync("objdump", words, { encoding: "utf8" });
    };
    expect(disassembled()).toMatch(
      /cld[^]*call[^]*mov +0x10\(%[er]bp\),%[er]ax\n.*jmp +\*%[er]ax/u,
    );
    code[0] = 0xcc;
    expect(disassembled()).not.toContain("cld");
  }
});

test("with the patched fields put back the file begins with the kernel, whatever the initramfs", () => {
  const packed = pack();
  const bytes = fileOf(packed);
  const kernel = joined(packed.unpacked);
  for (const { offset, was } of packed.layout.patched) bytes.set(Buffer.from(was, "hex"), offset);
  expect(bytes.subarray(0, packed.layout.kernel.sizeBytes).equals(kernel)).toBe(true);
  expect(loaded(kernel).equals(loaded(elfKernel()))).toBe(true);
  expect(pvhEntryOf(readElf(kernel))).toBe(PVH_ENTRY);
  expect(readelf(kernel).stderr).toBe("");
  const other = pack({ initramfs: { sizeBytes: 1 }, commandLine: "quiet" });
  expect(joined(other.unpacked).equals(kernel)).toBe(true);
  expect(fileOf(pack({ kernel })).equals(fileOf(pack()))).toBe(true);
});

test("without a PVH note the 64-bit entry is packed, and who boots that is said", () => {
  const packed = pack({ kernel: elfKernel({ withoutNote: true }) });
  expect(packed.layout.warnings.join()).toContain("Firecracker boots the packed file");
  expect(readelf(fileOf(packed)).stderr).toBe("");
});

test("with an e_entry that is no physical address it is left alone", () => {
  const packed = fileOf(pack({ kernel: elfKernel({ header: { e_entry: 1n << 63n } }) }));
  expect(readElf(packed).entry).toBe(1n << 63n);
  expect(pvhEntryOf(readElf(packed))).toBeGreaterThan(STUBS);
});

const GIB = BigInt(1 << 30);

test.each<[string, Parameters<typeof elfKernel>[0], string]>([
  ["a shared object", { header: { e_type: 3 } }, "of type shared"],
  ["another machine", { header: { e_machine: 183 } }, "for aarch64"],
  ["no segments", { header: { e_phnum: 0 } }, "0 segments to load"],
  ["a segment that is not in the file", { segments: [{ p_offset: 0x5000n }] }, "ends at byte"],
  ["more bytes than memory", { segments: [{ p_memsz: 1n }] }, "bytes for 1 of memory"],
  ["overlapping segments", { segments: [{ p_memsz: 0x4001n }] }, "overlaps another"],
  ["a segment above 1 GiB", { segments: [{}, { p_paddr: GIB }] }, "below 1 GiB"],
  [
    "a segment at the address space's end",
    { segments: [{ p_paddr: (1n << 64n) - 1n }] },
    "below 1 GiB",
  ],
  ["no entry", { withoutNote: true, header: { e_entry: 1n } }, "neither its PVH entry nor"],
])("%s is refused", (_, changes, message) => {
  expect(() => pack({ kernel: elfKernel(changes) })).toThrow(message);
});

test("a too long command line, and an initramfs beyond 2 GiB, are refused", () => {
  expect(() => pack({ commandLine: "x".repeat(2048) })).toThrow("the kernel takes 2047");
  expect(() => pack({ initramfs: { sizeBytes: 2 ** 31 } })).toThrow("wanted at most 2 GiB");
});

test("K9: a truncated or damaged ELF file is packed or refused with our error", () => {
  const good = elfKernel();
  const heads = Array.from({ length: 64 + 3 * 56 }, (_, i) => i);
  const interesting = [...heads, ...Array.from({ length: 24 }, (_, i) => 0x3000 + i)];
  const change = fc.tuple(fc.constantFrom(...interesting), fc.nat(255));
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
