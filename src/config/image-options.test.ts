import { expect, test } from "vitest";
import { planBuild, planRun } from "./index.ts";

const caller = { environment: {}, workingDirectory: "/work", arch: "x86_64" } as const;
const build = (options: object) =>
  planBuild({ source: "dir:/x", output: "/out/image", ...options }, caller);
const usage = (message: RegExp) =>
  expect.objectContaining({ code: "USAGE", message: expect.stringMatching(message) });

test("the format is what was asked for, else what the output ends in, else ext4", () => {
  expect(build({}).format).toBe("ext4");
  expect(build({ output: "a.erofs" }).format).toBe("erofs");
  expect(build({ output: "a.squashfs" }).format).toBe("squashfs");
  expect(build({ output: "a.sqfs" }).format).toBe("squashfs");
  expect(build({ output: "a.erofs", format: "ext4" }).format).toBe("ext4");
  expect(build({ output: "a.img", format: "erofs" }).format).toBe("erofs");
  expect(planRun({ source: "dir:/x", format: "erofs" }, caller).content.format).toBe("erofs");
});

test("one file that boots is an initramfs in a kernel, compressed unless said otherwise", () => {
  for (const output of ["a.vmlinux", "a.image", "a.bzImage", "a.bzimage"]) {
    const plan = build({ output });
    expect(plan).toMatchObject({ format: "initramfs", compression: { name: "gzip" } });
    expect(plan.packing?.keepsBzImage).toBe(/bz/.test(output));
  }
  expect(build({ output: "a.vmlinux", compression: "none" }).compression).toBeUndefined();
  const own = { format: "kernel", kernel: "k", modules: "m", commandLine: "quiet" };
  const packing = { kernel: "/work/k", modules: "/work/m", commandLine: "quiet" };
  expect(build(own).packing).toEqual({ ...packing, keepsBzImage: false });
  expect(build({}).packing).toBeUndefined();
  expect(() => build({ kernel: "k" })).toThrow(usage(/ext4 with --kernel: no kernel is in it/));
  expect(() => build({ commandLine: "quiet" })).toThrow(usage(/with --cmdline/));
  expect(() => build({ ...own, commandLine: "a\nb" })).toThrow(
    usage(/"a\\x0ab": it holds control/),
  );
  expect(() => build({ format: "kernel", modules: "m" })).toThrow(usage(/wanted --kernel FILE/));
  expect(() => build({ format: "kernel", size: "1g" })).toThrow(usage(/with --size/));
  expect(planRun({ source: "dir:/x", format: "kernel" }, caller).packs).toBe(true);
});

test.each(["erofs", "squashfs"] as const)("what only ext4 has is refused with %s", (format) => {
  expect(() => build({ format, size: "1g" })).toThrow(usage(/with --size: it is read-only/));
  expect(() => build({ format, size: "min" })).toThrow(usage(/with --size/));
  expect(() => build({ format, journal: false })).toThrow(usage(/with --no-journal/));
  expect(() => build({ format, size: "1g", journal: false })).toThrow(
    usage(/with --size and --no-journal/),
  );
  expect(build({ format, journal: true }).format).toBe(format);
  const copied = { source: "dir:/x", format, root: "copy" } as const;
  expect(() => planRun(copied, caller)).toThrow(usage(/with --root copy/));
});

test("a volume label is refused with squashfs, which has none", () => {
  expect(() => build({ format: "squashfs", label: ["name"] })).toThrow(usage(/no volume label/));
  expect(build({ format: "squashfs", label: ["a=b"] }).volumeLabel).toBe("");
  expect(build({ format: "erofs", label: ["name"] }).volumeLabel).toBe("name");
});

test.each([
  ["erofs", "lz4hc,12", { name: "lz4hc", level: 12 }],
  ["erofs", "zstd", { name: "zstd", level: undefined }],
  ["squashfs", "xz", { name: "xz", level: undefined }],
  ["squashfs", "gzip,9", { name: "gzip", level: 9 }],
] as const)("%s is compressed with %s", (format, compression, wanted) => {
  expect(build({ format, compression }).compression).toEqual(wanted);
});

test.each([
  ["ext4", "zstd", /compress ext4 with "zstd": wanted erofs, squashfs or initramfs/],
  ["erofs", "xz", /wanted one of lz4, lz4hc, lzma, deflate, zstd/],
  ["squashfs", "lz4hc", /wanted one of gzip, lzo, lz4, xz, zstd/],
  ["erofs", "lz4 -o x", /compress erofs with "lz4 -o x"/],
  ["erofs", "zstd,", /compress erofs/],
  ["erofs", "zstd,100", /compress erofs/],
] as const)("%s with --compression %j is refused", (format, compression, message) => {
  expect(() => build({ format, compression })).toThrow(usage(message));
});
