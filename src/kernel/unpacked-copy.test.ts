import { copyFileSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { aptPackages, cacheDirectory } from "../../test/support/kernel-packages.ts";
import { temporaryDirectory } from "../../test/support/temporary-directory.ts";
import { findKernel, identifyKernel, unpackedCopy, type Kernel } from "./index.ts";
import { FileStorage, removePath } from "../host/index.ts";

let kernel: Kernel;
beforeAll(async () => {
  const devices = "firecracker";
  kernel = await findKernel({ arch: "x86_64", cacheDirectory, packages: aptPackages, devices });
});

const formatOf = (path: string): string | undefined => {
  using storage = new FileStorage(path, "read");
  return identifyKernel(storage)?.format;
};

test("modules for Firecracker are those of its devices: vsock, and neither PCI nor a console", () => {
  const names = kernel.modules.map(({ name }) => name);
  expect(names).toEqual(
    expect.arrayContaining(["virtio_mmio", "virtio_blk", "vmw_vsock_virtio_transport"]),
  );
  expect(names.indexOf("vsock")).toBeLessThan(names.indexOf("vmw_vsock_virtio_transport"));
  for (const other of ["virtio_pci", "virtio_console"]) expect(names).not.toContain(other);
});

test("a kernel of the cache is unpacked once, beside it, and a damaged one anew", async () => {
  const options = { cacheDirectory, privatePath: "/nonexistent/vmlinux" };
  const plain = await unpackedCopy(kernel, options);
  expect([plain.format, formatOf(plain.path)]).toEqual(["ELF", "ELF"]);
  expect(dirname(plain.path)).toBe(dirname(kernel.path));
  const { mtimeMs } = statSync(plain.path);
  expect((await unpackedCopy(kernel, options)).path).toBe(plain.path);
  expect(statSync(plain.path).mtimeMs).toBe(mtimeMs);
  const whole = readFileSync(plain.path);
  writeFileSync(plain.path, whole.subarray(0, 1000));
  expect((await unpackedCopy(kernel, options)).path).toBe(plain.path);
  expect(readFileSync(plain.path).equals(whole)).toBe(true);
  removePath(plain.path);
});

test("one of the user's own is unpacked into the run's directory; a plain one stays", async () => {
  const directory = temporaryDirectory();
  const own = join(directory, "bzImage");
  copyFileSync(kernel.path, own);
  const privatePath = join(directory, "vmlinux");
  const plain = await unpackedCopy({ ...kernel, path: own }, { cacheDirectory, privatePath });
  expect([plain.path, formatOf(privatePath)]).toEqual([privatePath, "ELF"]);
  expect(await unpackedCopy(plain, { cacheDirectory, privatePath: "/nonexistent" })).toBe(plain);
  expect(readdirSync(directory).sort()).toEqual(["bzImage", "vmlinux"]);
});
