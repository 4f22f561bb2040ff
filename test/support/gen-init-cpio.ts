/** For tests: the kernel's own maker of initramfs archives, built from Debian's kernel source. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { testCache } from "./cli.ts";

/** The program usr/gen_init_cpio; kept between runs, the 140 MB that it comes from are not. */
export function genInitCpio(): string {
  const program = join(testCache, `gen_init_cpio-${process.arch}`);
  if (existsSync(program)) return program;
  mkdirSync(testCache, { recursive: true });
  // Several test files may come here at once.
  const work = mkdtempSync(join(testCache, "gen_init_cpio."));
  try {
    build(work);
    renameSync(join(work, "program"), program);
  } finally {
    rmSync(work, { recursive: true });
  }
  return program;
}

function build(cwd: string): void {
  const depends = execFileSync("apt-cache", ["depends", "linux-source"], { encoding: "utf8" });
  const name = /Depends: (linux-source-[\d.]+)/.exec(depends)![1]!;
  const sh = (line: string): void =>
    void execFileSync("bash", ["-euc", `set -o pipefail; ${line}`], { cwd, stdio: "pipe" });
  sh(`apt-get -q download ${name}`);
  sh(`dpkg-deb --fsys-tarfile ${name}_*.deb | tar -xO ./usr/src/${name}.tar.xz > source.tar.xz`);
  // The archive is 1.4 GB when unpacked: it is read up to the one file.
  sh(`tar -xf source.tar.xz --occurrence=1 ${name}/usr/gen_init_cpio.c`);
  sh(`cc -O2 -o program ${name}/usr/gen_init_cpio.c`);
}

/** Runs it on a list; `at` is the time of all that is no file. */
export function kernelsArchive(
  list: string,
  at = 0,
  options: { readonly cwd?: string } = {},
): Buffer {
  return execFileSync(genInitCpio(), ["-t", String(at), list], {
    ...options,
    maxBuffer: 1 << 30,
    stdio: ["ignore", "pipe", "pipe"],
  });
}
