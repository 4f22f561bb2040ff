import { beforeAll, expect, test } from "vitest";
import { aptPackages, cacheDirectory } from "../../test/support/kernel-packages.ts";
import { findKernel, type Kernel } from "./index.ts";
import type { RootFileSystem } from "./module-order.ts";

const kernels = new Map<RootFileSystem, Kernel>();
beforeAll(async () => {
  for (const fileSystem of ["ext4", "erofs", "squashfs"] as const) {
    const options = { arch: "x86_64", cacheDirectory, packages: aptPackages, fileSystem } as const;
    kernels.set(fileSystem, await findKernel(options));
  }
});

const names = (fileSystem: RootFileSystem): string[] =>
  kernels.get(fileSystem)!.modules.map(({ name }) => name);

test("a kernel's modules are those of the root's file system alone, in load order", () => {
  const base = names("ext4");
  expect(base).not.toContain("erofs");
  expect(base).not.toContain("squashfs");
  expect(base.indexOf("virtio_ring")).toBeLessThan(base.indexOf("virtio_blk"));
  for (const fileSystem of ["erofs", "squashfs"] as const) {
    const all = names(fileSystem);
    const other = fileSystem === "erofs" ? "squashfs" : "erofs";
    expect(all).toContain(fileSystem);
    expect(all).not.toContain(other);
    expect(all.filter((name) => base.includes(name))).toEqual(base);
  }
});

test("one kernel is kept for the roots of all file systems", () => {
  const paths = new Set([...kernels.values()].map(({ path }) => path));
  expect(paths.size).toBe(1);
});
