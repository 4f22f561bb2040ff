import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { utf8 } from "../../src/bytes/index.ts";
import { findKernel, type Kernel, type KernelPackages } from "../../src/kernel/index.ts";
import type { Layer, LayerVisitor } from "../../src/tree/index.ts";

/** Kept between runs: a kernel's package is 27 MB. */
export const cacheDirectory = fileURLToPath(new URL("../../build/test-cache", import.meta.url));

/** The distribution's kernel, with its modules, as every test that boots uses it. */
export function testKernel(arch: "x86_64" | "aarch64" = "x86_64"): Promise<Kernel> {
  return findKernel({ arch, cacheDirectory, packages: aptPackages });
}

/** Packages by apt-get and dpkg-deb: neither resolves nor unpacks with code of ours. */
export const aptPackages: KernelPackages = {
  async fetch(names, arch) {
    const directory = join(cacheDirectory, "debs", arch);
    mkdirSync(directory, { recursive: true });
    const all = [...names, ...names.flatMap((name) => kernelDependencies(name, arch))];
    execFileSync("apt-get", ["-q", "download", ...all.map((name) => `${name}:${arch}`)], {
      cwd: directory,
      stdio: ["ignore", "ignore", "pipe"],
    });
    return readdirSync(directory).map((file) => {
      const [name = "", version = ""] = file.split("_");
      return { name, version: decodeURIComponent(version), path: join(directory, file) };
    });
  },
  layer: ({ name, path }) => debLayer(name, path),
};

function kernelDependencies(name: string, arch: string): string[] {
  const text = execFileSync("apt-cache", ["depends", "--important", `${name}:${arch}`]);
  return [...text.toString().matchAll(/Depends: (linux-(?:image|modules)-[^\s:]+)/g)].map(
    ([, dependency]) => dependency!,
  );
}

function debLayer(name: string, path: string): Layer {
  return {
    name,
    async play(visitor) {
      const directory = mkdtempSync(join(tmpdir(), "deb-"));
      try {
        execFileSync("dpkg-deb", ["-x", path, directory]);
        playDirectory(directory, visitor);
      } finally {
        rmSync(directory, { recursive: true });
      }
    },
  };
}

/** Plays the regular files of a directory, as an archive would hold them. */
export function playDirectory(directory: string, visitor: LayerVisitor): void {
  const time = { seconds: 0, nanoseconds: 0 };
  const metadata = { mode: 0o644, uid: 0, gid: 0, mtime: time, xattrs: [] };
  for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const bytes = readFileSync(path);
    const name = utf8(`./${relative(directory, path)}`);
    visitor.entry({ ...metadata, type: "file", path: name, size: bytes.length });
    visitor.data(bytes);
    visitor.endFile();
  }
}
