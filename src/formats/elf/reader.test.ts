import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { temporaryDirectory } from "../../../test/support/temporary-directory.ts";
import { display, storageOf } from "../../bytes/index.ts";
import { isWickError } from "../../errors/index.ts";
import { identifyElf, readElf, readModuleInfo } from "./index.ts";

/** A library, a program that needs it, and a note as a kernel with PVH has it. */
const PROGRAM = `
extern int f(void);
__asm__(".pushsection .note.Xen, \\"a\\", @note; .align 4; .long 4, 8, 18; .asciz \\"Xen\\"; .quad 0x1000000; .popsection");
int main(void) { return f(); }
`;
const MODULE = `
#define INFO(n, s) const char n[] __attribute__((section(".modinfo"), used)) = s
INFO(a, "name=virtio_blk"); INFO(b, "depends=virtio,virtio_ring"); INFO(c, "alias=virtio:d00000002v*");
INFO(d, "alias=second"); INFO(e, "softdep=pre: one two post: three"); INFO(f, "vermagic=6.1.0 SMP mod_unload ");
`;

function compile(source: string, name: string, ...flags: string[]): Uint8Array {
  const directory = temporaryDirectory();
  writeFileSync(join(directory, "source.c"), source);
  execFileSync("cc", ["source.c", "-o", name, ...flags], { cwd: directory });
  return readFileSync(join(directory, name));
}

function readelf(bytes: Uint8Array, ...flags: string[]) {
  const file = join(temporaryDirectory(), "file");
  writeFileSync(file, bytes);
  return spawnSync("readelf", ["-W", ...flags, file], { encoding: "utf8" });
}

let program: Uint8Array;
beforeAll(() => {
  const directory = temporaryDirectory();
  writeFileSync(join(directory, "f.c"), "int f(void) { return 7; }\n");
  writeFileSync(join(directory, "m.c"), PROGRAM);
  const cc = (...args: string[]) => execFileSync("cc", args, { cwd: directory });
  cc("-shared", "-fPIC", "f.c", "-o", "libf.so", "-Wl,-soname,libf.so.1");
  cc("m.c", "libf.so", "-o", "m", "-Wl,--enable-new-dtags,-rpath,$ORIGIN/lib:/opt/lib");
  program = Uint8Array.from(readFileSync(join(directory, "m"))); // a Buffer's slice() shares
});

test("a program's interpreter and dynamic section are what readelf prints", () => {
  const elf = readElf(program);
  expect(elf.identity).toMatchObject({ bits: 64, endianness: "little", type: "shared" });
  const segments = readelf(program, "-l").stdout;
  expect(segments).toContain(`[Requesting program interpreter: ${display(elf.interpreter!)}]`);
  const dynamic = readelf(program, "-d").stdout;
  const needed = [...dynamic.matchAll(/\(NEEDED\).*\[(.*)\]/g)].map(([, name]) => name);
  expect(elf.dynamic!.needed.map(display)).toEqual(needed);
  expect(needed).toContain("libf.so.1");
  expect(display(elf.dynamic!.runpath!)).toBe("$ORIGIN/lib:/opt/lib");
  expect(dynamic).toContain("Library runpath: [$ORIGIN/lib:/opt/lib]");
});

test("what a program imports is what nm lists, and not what it lists of a changed one", () => {
  const nm = (bytes: Uint8Array): string[] => {
    const file = join(temporaryDirectory(), "file");
    writeFileSync(file, bytes);
    const { stdout } = spawnSync(
      "nm",
      ["-D", "--undefined-only", "--without-symbol-versions", file],
      {
        encoding: "utf8",
      },
    );
    return Array.from(stdout.matchAll(/ [Uwv] (\S+)/g), ([, name]) => name!).sort();
  };
  const imports = readElf(program)
    .imports.map((name) => display(name))
    .sort();
  expect(imports).toEqual(nm(program));
  expect(imports).toContain("f");
  const changed = Buffer.from(program);
  changed[changed.indexOf("__libc_start_main")] = 0x58;
  expect(imports).not.toEqual(nm(changed));
});

test("a program's segments and sections are those that readelf lists", () => {
  const elf = readElf(program);
  const hex = (value: bigint, digits: number) => `0x${value.toString(16).padStart(digits, "0")}`;
  const listed = readelf(program, "-l").stdout.replaceAll(/ +/g, " ");
  for (const segment of elf.segments) {
    const line = [segment.virtualAddress, segment.physicalAddress].map((a) => hex(a, 16)).join(" ");
    const sizes = [segment.fileSize, segment.memorySize].map((s) => hex(s, 6)).join(" ");
    expect(listed).toContain(`${hex(segment.offset, 6)} ${line} ${sizes}`);
  }
  const sections = readelf(program, "-S").stdout;
  const names = [...sections.matchAll(/^ *\[ *\d+\] (\S*) /gm)].map(([, name]) => name);
  expect(elf.sections.slice(1).map(({ name }) => display(name))).toEqual(names.slice(1));
});

test("the note of a PVH kernel is found, with its place in the file", () => {
  const note = readElf(program).notes.find(
    ({ name, type }) => display(name) === "Xen" && type === 18,
  );
  expect(new DataView(note!.descriptor.slice().buffer).getBigUint64(0, true)).toBe(0x1000000n);
  expect(note!.descriptor).toEqual(
    Uint8Array.from(program.subarray(note!.descriptorOffset, note!.descriptorOffset + 8)),
  );
});

test("all notes of a program are those that readelf counts", () => {
  const counted = readelf(program, "-n").stdout.matchAll(/^ {2}\S+\s+0x[0-9a-f]{8}/gm);
  expect(readElf(program).notes.length).toBe([...counted].length);
});

test("a module says what it needs before and after itself", () => {
  const elf = readElf(compile(MODULE, "m.ko", "-c"));
  expect(elf.identity.type).toBe("relocatable");
  expect(readModuleInfo(elf)).toEqual({
    name: "virtio_blk",
    depends: ["virtio", "virtio_ring"],
    softdeps: { pre: ["one", "two"], post: ["three"] },
    aliases: ["virtio:d00000002v*", "second"],
    vermagic: "6.1.0 SMP mod_unload ",
    firmware: [],
  });
  expect(readModuleInfo(readElf(program))).toBeUndefined();
});

test("a static program has neither interpreter nor libraries", () => {
  const bytes = compile("int main(void) { return 0; }", "s", "-static");
  const elf = readElf(bytes);
  expect(elf.identity.type).toBe("executable");
  expect(elf.interpreter).toBeUndefined();
  expect(elf.dynamic).toBeUndefined();
});

test("a program for another processor is named, and opened only when it is 64-bit little-endian", () => {
  const other = (elfClass: number, data: number, machine: number) => {
    const bytes = program.slice();
    bytes.set([elfClass, data], 4);
    new DataView(bytes.buffer).setUint16(18, machine, data === 1);
    return bytes;
  };
  const named = (bytes: Uint8Array) => identifyElf(storageOf(bytes))?.architecture;
  expect(named(other(2, 1, 183))).toBe("aarch64");
  expect(named(other(1, 1, 40))).toBe("armv7l");
  expect(named(other(2, 2, 22))).toBe("s390x");
  expect(named(other(2, 1, 4711))).toBe("machine 4711");
  expect(named(new TextEncoder().encode("#!/bin/sh\nexec something\n"))).toBeUndefined();
  expect(readElf(other(2, 1, 183)).identity.architecture).toBe("aarch64");
  expect(() =>
    readElf(other(1, 1, 40), { what: 'the kernel "k"', code: "KERNEL_INVALID" }),
  ).toThrow(
    expect.objectContaining({
      code: "KERNEL_INVALID",
      message:
        'Cannot read the kernel "k": it is 32-bit little-endian for armv7l, wanted 64-bit little-endian',
    }),
  );
});

test("a file without section headers still has segments", () => {
  const bytes = program.slice();
  bytes.fill(0, 40, 48); // e_shoff
  const elf = readElf(bytes);
  expect(elf.sections).toEqual([]);
  expect(elf.dynamic!.needed.length).toBe(2);
});

/** Reads everything that a caller could ask for. */
function readAll(bytes: Uint8Array): void {
  const elf = readElf(bytes);
  void [elf.interpreter, elf.dynamic, elf.notes];
  for (const section of elf.sections) elf.contents(section);
  readModuleInfo(elf);
}

test("a file cut off is refused, by readelf too", () => {
  for (const length of [0, 10, 63, 100, program.length - 1]) {
    expect(() => readAll(program.subarray(0, length)), `${length}`).toThrow(
      expect.objectContaining({ code: "IMAGE_INVALID" }),
    );
  }
  expect(readelf(program.subarray(0, program.length - 1), "-S").stderr).toMatch(/Error/);
});

test.each([
  ["e_phoff", 32, 0x7fff_ffff_ffff_ffffn],
  ["e_shoff", 40, 1n << 60n],
  ["the first p_offset", 64 + 8, 1n << 60n],
  ["PT_INTERP's p_filesz", 64 + 56 + 32, 1n << 60n],
])("%s of 2^60 is refused", (_, offset, value) => {
  const bytes = program.slice();
  const view = new DataView(bytes.buffer);
  view.setBigUint64(offset, value, true);
  if (offset === 72) view.setUint32(64, 3, true); // PT_PHDR is not read: make it PT_INTERP
  expect(() => readAll(bytes)).toThrow(
    expect.objectContaining({
      code: "IMAGE_INVALID",
      message: expect.stringMatching(/ends at byte/),
    }),
  );
});

test("notes that overlap a thousandfold are refused before they are read", () => {
  const bytes = new Uint8Array(64 + 56 * 1000 + 65536);
  bytes.set(program.subarray(0, 64));
  const view = new DataView(bytes.buffer);
  view.setBigUint64(32, 64n, true);
  view.setUint16(56, 1000, true);
  for (let i = 0; i < 1000; i++) {
    view.setUint32(64 + 56 * i, 4, true);
    view.setBigUint64(64 + 56 * i + 32, 65536n, true);
  }
  expect(() => readElf(bytes).notes).toThrow(/notes have 65536000 bytes/);
});

test("two thousand files with changed bytes give an answer or IMAGE_INVALID", () => {
  let state = 11;
  const next = (limit: number) => (state = (state * 48271) % 2147483647) % limit;
  let refused = 0;
  for (let i = 0; i < 2000; i++) {
    const bytes = program.slice();
    const range = [64, 64 + 56 * 13, bytes.length][next(3)]!;
    for (let k = 0; k < 1 + next(6); k++) bytes[next(range)] = next(256);
    try {
      readAll(bytes);
    } catch (error) {
      if (!isWickError(error, "IMAGE_INVALID")) throw error;
      refused++;
    }
  }
  expect(refused).toBeGreaterThan(200);
});
