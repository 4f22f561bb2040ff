/**
 * What init's boot tests boot: the distribution's kernel and init in an initramfs, roots with
 * busybox. Packed with other people's tools, the cpio program and mke2fs.
 */
import { execFileSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  encodeRecords,
  initBinary,
  type GuestArch,
  type InitRecords,
} from "../../src/guest/index.ts";
import { findKernel, type Kernel } from "../../src/kernel/index.ts";
import { debLayer, fetchPackages, type FetchRequest } from "../../src/sources/index.ts";
import { cacheDirectory, testKernel } from "./kernel-packages.ts";
import { lastingDirectory } from "./temporary-directory.ts";

const buildInit = fileURLToPath(new URL("../../scripts/build-init.mjs", import.meta.url));

const ownArch: GuestArch = process.arch === "arm64" ? "aarch64" : "x86_64";

const debianArch = { x86_64: "amd64", aarch64: "arm64" } as const;

function run(command: string, words: readonly string[], cwd?: string): string {
  const where = cwd === undefined ? {} : { cwd };
  return execFileSync(command, words, { ...where, encoding: "utf8", maxBuffer: 1 << 26 });
}

const fetch = (
  names: readonly string[],
  arch: FetchRequest["arch"],
  only: (name: string) => boolean,
) => fetchPackages({ packages: names.map((name) => ({ name })), arch, only, cacheDirectory });

/** busybox, static, unpacked into `work`. */
async function busyboxOf(arch: GuestArch, work: string): Promise<string> {
  const name = "busybox-static";
  const [file] = await fetch([name], debianArch[arch], (one) => one === name);
  run("dpkg-deb", ["-x", file!.path, join(work, name)]);
  const path = join(work, name, "bin/busybox");
  return existsSync(path) ? path : join(work, name, "usr/bin/busybox");
}

/** This machine's kernel as all tests have it; another architecture's by wick's own packages. */
function kernelOf(arch: GuestArch): Promise<Kernel> {
  if (arch === ownArch) return testKernel(arch);
  const layer = ({ name, path }: { name: string; path: string }) => debLayer({ label: name, path });
  return findKernel({ arch, cacheDirectory, packages: { fetch, layer } });
}

/** Writes a cpio of `directory` with everything owned by root; `cpio` pads it to 512 bytes. */
function cpio(directory: string): Buffer {
  const names = run("find", [".", "-mindepth", "1"], directory).split("\n").filter(Boolean).sort();
  return execFileSync("cpio", ["-o", "-H", "newc", "--quiet", "-R", "0:0"], {
    cwd: directory,
    input: names.join("\n"),
    maxBuffer: 1 << 28,
  });
}

/** Kernel, and the base initramfs with init and its modules. */
export interface BootParts {
  readonly arch: GuestArch;
  readonly kernel: string;
  readonly base: Buffer;
  readonly busybox: string;
}

/** What every boot test needs; made once for a test file, in `beforeAll`. */
export async function bootParts(arch: GuestArch = "x86_64"): Promise<BootParts> {
  const work = lastingDirectory();
  run(process.execPath, [buildInit]);
  const busybox = await busyboxOf(arch, work);
  const kernel = await kernelOf(arch);
  const stage = join(work, "base");
  for (const name of ["dev", "proc", "sys", ".wick/modules"]) {
    mkdirSync(join(stage, name), { recursive: true });
  }
  copyFileSync(fileURLToPath(initBinary(arch)), join(stage, "init"));
  for (const { name, bytes } of kernel.modules) {
    writeFileSync(join(stage, ".wick/modules", `${name}.ko`), bytes);
  }
  const modules = kernel.modules.map(({ name }) => `/.wick/modules/${name}.ko`);
  writeFileSync(join(stage, ".wick/boot.rec"), encodeRecords({ modules }));
  return { arch, kernel: kernel.path, base: cpio(stage), busybox };
}

const applets =
  "awk cat cut df grep head httpd id ifconfig kill ls mount readlink sh sleep stat tail tr wc";

/** A root with busybox under its usual names, init and its records. */
export function busyboxRoot(
  boot: BootParts,
  directory: string,
  records: InitRecords,
  files: Readonly<Record<string, string | Uint8Array>> = {},
): void {
  for (const name of ["bin", "sbin", "etc", "dev", "proc", "sys", "run", "tmp", ".wick"]) {
    mkdirSync(join(directory, name), { recursive: true });
  }
  copyFileSync(boot.busybox, join(directory, "bin/busybox"));
  for (const name of applets.split(" ")) {
    symlinkSync("busybox", join(directory, "bin", name));
  }
  copyFileSync(fileURLToPath(initBinary(boot.arch)), join(directory, "sbin/init"));
  writeFileSync(join(directory, ".wick/init.rec"), encodeRecords(records), { mode: 0o600 });
  for (const [name, bytes] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, name)), { recursive: true });
    writeFileSync(join(directory, name), bytes, { mode: 0o755 });
  }
}

/** The initrd of an initramfs machine: base, root, run.rec. */
export function initramfs(boot: BootParts, work: string, root: Buffer, run: InitRecords): string {
  const path = join(work, "initrd");
  writeFileSync(path, Buffer.concat([boot.base, root, runArchive(work, run)]));
  return path;
}

/** A busybox root as an archive; for `beforeAll`. */
export function rootArchive(
  boot: BootParts,
  records: InitRecords,
  files?: Readonly<Record<string, string | Uint8Array>>,
): Buffer {
  const directory = join(lastingDirectory(), "root");
  busyboxRoot(boot, directory, records, files);
  return cpio(directory);
}

/** The archive that travels beside the image: one run's records. */
export function runArchive(work: string, run: InitRecords | Uint8Array): Buffer {
  const directory = join(work, "run");
  mkdirSync(join(directory, ".wick"), { recursive: true });
  const bytes = run instanceof Uint8Array ? run : encodeRecords(run);
  writeFileSync(join(directory, ".wick/run.rec"), bytes, { mode: 0o600 });
  return cpio(directory);
}

/** An ext4 file system of `directory` (or empty) with the UUID `uuid`. */
export function ext4(path: string, uuid: string, size: string, directory?: string): string {
  const from = directory === undefined ? [] : ["-d", directory, "-E", "root_owner=0:0"];
  run("mke2fs", ["-q", "-t", "ext4", "-U", uuid, ...from, path, size]);
  return path;
}
