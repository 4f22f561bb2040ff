import { execFileSync } from "node:child_process";
import {
  copyFileSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { aptPackages, playDirectory, testKernel } from "../../test/support/kernel-packages.ts";
import { temporaryDirectory } from "../../test/support/temporary-directory.ts";
import { isWickError, type WickError } from "../errors/index.ts";
import { kernelPackage, parseOsRelease } from "./distribution.ts";
import { findKernel, type FindKernelOptions } from "./find-kernel.ts";
import type { Kernel, KernelPackages } from "./kernel.ts";

/** Packages from one small directory, and a count of how often they were asked for. */
function smallPackages(root: string): KernelPackages & { asked: number } {
  return {
    asked: 0,
    fetch(_names, _arch, isWanted) {
      this.asked++;
      const closure = [
        { name: "libc6", version: "2", path: "/nonexistent" },
        { name: "linux-image-6.1.0-1-cloud-amd64", version: "6.1.9-1", path: root },
      ];
      return Promise.resolve(closure.filter(({ name }) => isWanted(name)));
    },
    layer: ({ name, path }) => ({
      name,
      play: (visitor) => Promise.resolve(playDirectory(path, visitor)),
    }),
  };
}

/** A package's contents: the real kernel, all drivers built in. */
async function smallRoot(): Promise<string> {
  const root = temporaryDirectory();
  const modules = join(root, "lib/modules/6.1.0-1-cloud-amd64");
  mkdirSync(join(root, "boot"));
  mkdirSync(modules, { recursive: true });
  copyFileSync((await testKernel()).path, join(root, "boot/vmlinuz-6.1.0-1-cloud-amd64"));
  const names = ["pci", "mmio", "blk", "net", "console"].map((name) => `virtio_${name}`);
  const builtin = [...names, "ext4", "overlay"].map((name) => `kernel/${name}.ko\n`);
  writeFileSync(join(modules, "modules.builtin"), builtin.join(""));
  return root;
}

async function failure(promise: Promise<Kernel>): Promise<WickError> {
  const error: unknown = await promise.catch((reason: unknown) => reason);
  if (!isWickError(error)) throw error;
  return error;
}

function debian(packages: KernelPackages): FindKernelOptions {
  const directory = temporaryDirectory();
  const osReleaseFile = join(directory, "os-release");
  writeFileSync(osReleaseFile, 'ID=debian\nVERSION_ID="12"\n');
  return { arch: "x86_64", cacheDirectory: join(directory, "cache"), packages, osReleaseFile };
}

test("the distribution's kernel comes with every driver, in an order that each one's .modinfo agrees with", async () => {
  const { modules, release } = await testKernel();
  const names = modules.map(({ name }) => name);
  for (const name of ["virtio_pci", "virtio_mmio", "virtio_blk", "virtio_net", "virtio_console"]) {
    expect(names).toContain(name);
  }
  const seen = new Set<string>();
  const directory = temporaryDirectory();
  for (const { name, bytes } of modules) {
    const path = join(directory, `${name}.ko`);
    writeFileSync(path, bytes);
    const info = execFileSync("readelf", ["-p", ".modinfo", path]).toString();
    const field = (key: string): string => new RegExp(`  ${key}=(.*)`).exec(info)![1]!;
    for (const needed of field("depends").split(",")) {
      // What is not among ours must be built in: the boot tests load every one of them.
      if (names.includes(needed)) expect(seen).toContain(needed);
    }
    expect(field("vermagic")).toContain(release);
    seen.add(name);
  }
});

test("a second run needs no package, and gives the same", async () => {
  const packages = smallPackages(await smallRoot());
  const options = debian(packages);
  const first = await findKernel(options);
  expect(await findKernel(options)).toEqual(first);
  expect(packages.asked).toBe(1);
  expect(first.origin).toBe("linux-image-6.1.0-1-cloud-amd64 6.1.9-1");
  await findKernel({ ...options, refresh: true });
  expect(packages.asked).toBe(2);
});

test("the cache is closed to others, whole, and holds no temporaries", async () => {
  const umask = process.umask(0);
  try {
    const options = debian(smallPackages(await smallRoot()));
    const kernel = await findKernel(options);
    const directory = dirname(kernel.path);
    const mode = (path: string): number => statSync(path).mode & 0o777;
    expect([mode(options.cacheDirectory), mode(directory)]).toEqual([0o700, 0o700]);
    expect([mode(kernel.path), mode(join(directory, "modules"))]).toEqual([0o600, 0o700]);
    expect(readdirSync(directory).sort()).toEqual(["manifest.json", "modules", "vmlinuz"]);
    expect(readdirSync(dirname(directory))).toEqual([
      "linux-image-6.1.0-1-cloud-amd64_6.1.9-1_x86_64",
    ]);
  } finally {
    process.umask(umask);
  }
});

test("what a killed run left half done in the cache goes with the next one, an hour later", async () => {
  const options = debian(smallPackages(await smallRoot()));
  const kernels = join(options.cacheDirectory, "kernels");
  for (const name of ["wick-new-old", "wick-new-young"]) {
    mkdirSync(join(kernels, name), { recursive: true });
    writeFileSync(join(kernels, name, "vmlinuz"), "half");
  }
  const longAgo = Date.now() / 1000 - 4000;
  utimesSync(join(kernels, "wick-new-old"), longAgo, longAgo);
  await findKernel(options);
  const left = readdirSync(kernels).filter((name) => name.startsWith("wick-"));
  rmSync(kernels, { recursive: true });
  expect(left).toEqual(["wick-new-young"]);
});

test.each([
  ["one flipped bit", (path: string) => writeFileSync(path, flipped(readFileSync(path)))],
  ["a truncated kernel", (path: string) => truncateSync(path, 1000)],
  ["an empty manifest", (path: string) => truncateSync(join(dirname(path), "manifest.json"), 0)],
])("%s in the cache is noticed and made good", async (_, damage) => {
  const packages = smallPackages(await smallRoot());
  const options = debian(packages);
  const { path } = await findKernel(options);
  const good = readFileSync(path);
  damage(path);
  expect(readFileSync((await findKernel(options)).path).equals(good)).toBe(true);
  expect(packages.asked).toBe(2);
});

function flipped(bytes: Buffer): Buffer {
  bytes[bytes.length >> 1]! ^= 1;
  return bytes;
}

test("a package without a kernel is KERNEL_NOT_FOUND, and nothing is kept", async () => {
  const options = debian(smallPackages(temporaryDirectory()));
  const error = await failure(findKernel(options));
  expect(error.code).toBe("KERNEL_NOT_FOUND");
  expect(error.hint).toContain("--kernel");
});

test("a package that lacks a driver is KERNEL_INVALID naming it, and nothing is kept", async () => {
  const root = await smallRoot();
  writeFileSync(join(root, "lib/modules/6.1.0-1-cloud-amd64/modules.builtin"), "kernel/ext4.ko\n");
  const error = await failure(findKernel(debian(smallPackages(root))));
  expect(error.code).toBe("KERNEL_INVALID");
  expect(error.message).toContain("virtio_pci");
});

test("a kernel of the user's own is taken without packages, with its modules", async () => {
  const { path, release } = await testKernel();
  const packages: KernelPackages = {
    fetch: () => Promise.reject(new Error("packages were asked")),
    layer: (file) => aptPackages.layer(file),
  };
  const options = { arch: "x86_64", kernelFile: path, cacheDirectory: "/x", packages } as const;
  expect(await findKernel(options)).toMatchObject({
    path,
    format: "bzImage",
    release,
    modules: [],
  });
  const bare = await failure(findKernel({ ...options, modulesDirectory: temporaryDirectory() }));
  expect(bare.message).toContain("virtio_pci is neither there nor built in");
  expect((await failure(findKernel({ ...options, kernelFile: "/none" }))).code).toBe(
    "KERNEL_NOT_FOUND",
  );
  expect((await failure(findKernel({ ...options, arch: "aarch64" }))).code).toBe("KERNEL_INVALID");
});

test("a distribution without a known kernel package is KERNEL_NOT_FOUND", () => {
  const arch = parseOsRelease("NAME='Arch Linux'\nID=arch\n");
  expect(() => kernelPackage(arch, "amd64")).toThrow(/no kernel package is known for "arch"/);
});

test("distributions made from Debian or Ubuntu have their parent's kernel", () => {
  const mint = parseOsRelease('ID=linuxmint\nID_LIKE="ubuntu debian"\nVERSION_ID="22"\n');
  expect(kernelPackage(mint, "arm64")).toBe("linux-image-virtual");
  const raspbian = parseOsRelease("ID=raspbian\nID_LIKE=debian\n");
  expect(kernelPackage(raspbian, "arm64")).toBe("linux-image-cloud-arm64");
  expect(parseOsRelease("")).toEqual({ id: "linux", like: [], version: "" });
});
