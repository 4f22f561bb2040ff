import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { decompressorBytes } from "./decompressor-memory.ts";
import { leastMemory, showMemory, type MemoryRequest } from "./memory-needed.ts";

const MIB = 1 << 20;
/** Debian's linux-image-6.1.0-56-cloud-amd64: pref_address + init_size. */
const DEBIAN = 67.46875;
/** A small kernel of one's own (allnoconfig and what nginx needs), as ELF. */
const SMALL = 5.1;

/**
 * The least `-m` that began a machine in QEMU (q35, TCG), tried in steps of 4 MiB (1 for the
 * small kernel): kernel's end, blob, copy, decompressor (all MiB), root, floor.
 */
const measured = [
  [DEBIAN, 0.01, 0.01, 0, "tmpfs", 72],
  [DEBIAN, 8.01, 8.01, 0, "ramfs", 84],
  [DEBIAN, 32.01, 32.01, 0, "ramfs", 136],
  [DEBIAN, 32.01, 32.01, 0, "tmpfs", 144],
  [DEBIAN, 128.02, 128.01, 0, "ramfs", 332],
  [DEBIAN, 128.02, 128.01, 0, "tmpfs", 436],
  [DEBIAN, 37.54, 128.01, 0.1, "ramfs", 240], // gzip
  [DEBIAN, 37.54, 128.01, 0.1, "tmpfs", 344],
  [DEBIAN, 36.03, 128.01, 2, "ramfs", 240], // zstd -3
  [DEBIAN, 27.75, 128.01, 8, "ramfs", 236], // zstd -19
  [DEBIAN, 26.06, 128.01, 128, "ramfs", 360], // zstd --ultra -22
  [DEBIAN, 24.94, 128.01, 8, "ramfs", 232], // xz -6
  [DEBIAN, 23.55, 128.01, 64, "ramfs", 292], // xz, dictionary of 64 MiB
  [DEBIAN, 45.1, 128.01, 16, "ramfs", 256], // lz4 -9
  [SMALL, 0.39, 0.39, 0, "ramfs", 8], // nginx, 100 requests
] as const;

test.each(measured)(
  "what began with %d + %d + %d + %d MiB on %s in %d MiB is told at most 1/0.85 of it, and no less",
  (...row) => {
    const [kernel, blob, copy, decompressor, root, floor] = row;
    const { mib } = leastMemory(request([kernel, blob, copy, decompressor], root));
    expect(mib).toBeGreaterThanOrEqual(floor - 3); // it may have been one of the step's others
    expect(floor / mib).toBeGreaterThanOrEqual(0.85);
  },
);

test.each([
  ["vmlinux", 62.01, 124],
  ["bzImage", 67.47, 129],
] as const)("a packed %s, whose kernel begins at 16 MiB, is told as much", (_, kernel, floor) => {
  // nginx with its modules, as docs/pack.md has it.
  const sizes = request([kernel, 13.71, 34.2, 0.1], "tmpfs");
  const { mib } = leastMemory({ ...sizes, kernelStartBytes: 16 * MIB });
  expect(mib).toBeGreaterThanOrEqual(floor);
  expect(floor / mib).toBeGreaterThanOrEqual(0.85);
});

function request(sizes: readonly number[], root: "tmpfs" | "ramfs"): MemoryRequest {
  const [kernelEndBytes, initrdBytes, unpackedBytes, decompressor] = sizes.map((mib) =>
    Math.round(mib * MIB),
  ) as [number, number, number, number];
  const sized = { kernelEndBytes, initrdBytes, unpackedBytes, decompressorBytes: decompressor };
  return { arch: "x86_64", ...sized, root };
}

/** The same on aarch64 (virt, TCG), in steps of 4 MiB; the first and the last in steps of 1. */
const measuredArm = [
  [29.2, 1, 1.6, 0.1, "tmpfs", 49], // Debian's 6.1 cloud kernel, packed with nginx
  [29.2, 33, 33.6, 0.1, "tmpfs", 132],
  [29.2, 33, 33.6, 0.1, "ramfs", 112],
  [2.9, 1.1, 1.1, 0, "ramfs", 11], // a small kernel of one's own, 100 requests
] as const;

test.each(measuredArm)(
  "what began with %d + %d + %d + %d MiB on %s in %d MiB of aarch64 is told so, too",
  (...row) => {
    const [kernel, blob, copy, decompressor, root, floor] = row;
    const sizes = request([kernel, blob, copy, decompressor], root);
    const { mib } = leastMemory({ ...sizes, arch: "aarch64" });
    expect(mib).toBeGreaterThanOrEqual(floor);
    expect(floor / mib).toBeGreaterThanOrEqual(0.85);
  },
);

test("the parts add up to the figure, and are shown", () => {
  const needed = leastMemory(request([67.5, 10, 30, 8], "ramfs"));
  expect(needed.why.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(needed.bytes);
  expect(showMemory(needed)).toBe(
    "125 MiB (kernel 67.5, initramfs 10.0, unpacked 30.0, decompressor 8.0, reserve 9.5)",
  );
});

const data = randomBytes(3 * MIB);
const head = (command: string, words: readonly string[]): Uint8Array =>
  execFileSync(command, words, { input: data, maxBuffer: 16 * MIB }).subarray(0, 64);

test.each([
  ["zstd", ["-19", "-c"], 8 * MIB + (256 << 10)], // from a pipe: its length is not known
  ["zstd", ["--ultra", "-22", "-c"], 128 * MIB + (256 << 10)],
  ["zstd", ["-19", "-c", `--stream-size=${data.length}`], data.length + (256 << 10)],
  ["xz", ["-6", "--check=crc32", "-c"], 8 * MIB + (64 << 10)],
  ["xz", ["-c", "--check=crc32", "--x86", "--lzma2=dict=1MiB"], MIB + (64 << 10)],
  ["xz", ["-c", "-T2", "--lzma2=dict=1536KiB"], 1.5 * MIB + (64 << 10)],
  ["gzip", ["-c"], 64 << 10],
  ["lz4", ["-l", "-c"], 16 * MIB + (64 << 10)],
  ["cat", [], 0],
] as const)("the window of %s %j is told from its first bytes", (command, words, bytes) => {
  expect(decompressorBytes(head(command, words))).toBe(bytes);
});
