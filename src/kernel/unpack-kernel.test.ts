import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { bzImageOf, payloadOf, payloadTools } from "../../test/support/bz-image.ts";
import { elfKernel } from "../../test/support/elf-kernel.ts";
import { testKernel } from "../../test/support/kernel-packages.ts";
import { temporaryDirectory } from "../../test/support/temporary-directory.ts";
import { storageOf } from "../bytes/index.ts";
import { isWickError } from "../errors/index.ts";
import { readBzImage } from "../formats/bzimage/index.ts";
import { unpackKernel, unpackKernelFile } from "./unpack-kernel.ts";
import { pvhEntryOf, readVmlinux } from "./vmlinux.ts";

/** A real ELF file for x86_64, small. */
const elf = readFileSync("/bin/true");

function unpack(file: Uint8Array) {
  return unpackKernel(storageOf(file), { name: "vmlinuz" });
}

/** The error's code and message. */
async function refusal(file: Uint8Array): Promise<string> {
  try {
    await unpack(file);
  } catch (error) {
    if (isWickError(error)) return `${error.code}: ${error.message}`;
    throw error;
  }
  return "accepted";
}

test.each(payloadTools)(
  "a payload compressed as the kernel's build does, with %s",
  async (tool) => {
    const relocations = Buffer.alloc(100, 7);
    const payload = payloadOf(Buffer.concat([elf, relocations]), tool);
    const { bytes, ...facts } = await unpack(bzImageOf(payload));
    expect(Buffer.compare(bytes, elf)).toBe(0);
    expect(facts).toMatchObject({
      from: "bzImage",
      compression: tool,
      format: "ELF",
      relocationBytes: 100,
    });
  },
);

test("the distribution's kernel unpacks to what lz4 finds in it, and readelf is content", async () => {
  const { path, release } = await testKernel();
  const kernel = await unpackKernelFile(path);
  expect(kernel).toMatchObject({ from: "bzImage", compression: "lz4", release });
  const file = readFileSync(path);
  // As scripts/extract-vmlinux looks for it: by the magic number.
  const packed = file.subarray(file.indexOf(Buffer.from("02214c18", "hex")));
  const { payload } = readBzImage(storageOf(file));
  const plain = execFileSync("lz4", ["-dc"], {
    input: packed.subarray(0, payload!.sizeBytes - 4),
    maxBuffer: 1 << 30,
  });
  const { bytes, relocationBytes } = kernel;
  expect(Buffer.compare(bytes, plain.subarray(0, bytes.length))).toBe(0);
  expect(bytes.length + relocationBytes).toBe(plain.length);

  const readelf = (contents: Uint8Array) => {
    const at = join(temporaryDirectory(), "vmlinux");
    writeFileSync(at, contents);
    return spawnSync("readelf", ["-hlSn", at], { encoding: "utf8", maxBuffer: 1 << 26 });
  };
  const good = readelf(bytes);
  expect(good.stderr).toBe("");
  const entry = pvhEntryOf(readVmlinux(bytes, "it"))!.toString(16).padStart(8, "0");
  const littleEndian = entry.match(/../g)!.toReversed().join(" ");
  expect(good.stdout).toMatch(new RegExp(`0x00000012\\)\\s+description data: ${littleEndian}`));
  // The oracle notices one byte less.
  expect(readelf(bytes.subarray(0, -1)).stderr).not.toBe("");
});

test("an ELF and an Image are given as they are, an Image.gz unpacked", async () => {
  expect((await unpack(elf)).bytes).toEqual(new Uint8Array(elf));
  const image = Buffer.alloc(4096);
  image.write("ARM\x64", 0x38, "latin1");
  expect(await unpack(image)).toMatchObject({ from: "Image", arch: "aarch64" });
  // Pieces that do not compress, so that the file is as long as a kernel's head.
  for (let i = 64; i < image.length; i++) image[i] = Math.imul(i, 0x9e3779b1) >>> 24;
  const packed = gzipSync(image);
  expect(await unpack(packed)).toMatchObject({ from: "Image.gz", format: "Image" });
  expect(Buffer.compare((await unpack(packed)).bytes, image)).toBe(0);
});

test("K9: a vmlinux without its end is refused, and not one that can do nothing", async () => {
  const whole = elfKernel();
  expect((await unpack(whole)).bytes).toEqual(new Uint8Array(whole));
  expect(await refusal(whole.subarray(0, 0x5fff))).toBe(
    "KERNEL_INVALID: Cannot unpack the kernel vmlinuz: it is truncated: a segment ends at byte 24576, the file at 24575",
  );
});

test("K9: a payload that claims 4 GiB, or gives more than it claims, takes no memory", async () => {
  const payload = payloadOf(elf, "zstd");
  payload.writeUInt32LE(0xffffffff, payload.length - 4);
  expect(await refusal(bzImageOf(payload))).toContain("claims 4294967295 bytes");
  const bomb = payloadOf(Buffer.alloc(256 << 20), "zstd");
  bomb.writeUInt32LE(elf.length, bomb.length - 4);
  const before = process.memoryUsage().rss;
  expect(await refusal(bzImageOf(bomb))).toBe(
    `KERNEL_INVALID: Cannot unpack the kernel vmlinuz: it unpacks to more than ${elf.length} bytes`,
  );
  expect(process.memoryUsage().rss - before).toBeLessThan(200 << 20);
  const short = payloadOf(elf, "zstd");
  short.writeUInt32LE(elf.length + 1, short.length - 4);
  expect(await refusal(bzImageOf(short))).toContain(`its trailer says ${elf.length + 1}`);
});

test("what is no ELF file, of no known compression, or no kernel at all is refused in words", async () => {
  expect(await refusal(bzImageOf(payloadOf(Buffer.alloc(999), "gzip")))).toContain("no ELF file");
  expect(await refusal(bzImageOf(Buffer.alloc(999, 1)))).toMatch(/^UNSUPPORTED.*01010101/);
  expect(await refusal(Buffer.alloc(4096))).toContain("wanted a bzImage, ELF, Image or Image.gz");
  const cut = elf.subarray(0, elf.length - 1);
  expect(await refusal(bzImageOf(payloadOf(cut, "gzip")))).toContain(
    "the table of section headers ends at byte",
  );
});

test("K9: truncated and flipped bzImages are errors of wick's own, or whole kernels", async () => {
  const file = bzImageOf(payloadOf(elf, "gzip"));
  for (let length = 0; length < file.length; length += 997) {
    expect(await refusal(file.subarray(0, length))).toMatch(/^(KERNEL|COMPRESSION)_INVALID/);
  }
  for (let bit = 0x1f1 * 8; bit < 0x26c * 8; bit += 3) {
    const flipped = Buffer.from(file);
    flipped[bit >> 3]! ^= 1 << (bit & 7);
    expect(await refusal(flipped)).toMatch(/^(accepted|(KERNEL|COMPRESSION)_INVALID|UNSUPPORTED)/);
  }
});
