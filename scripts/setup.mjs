/**
 * What a fresh machine lacks, step by step: npm's packages, Debian's packages, the build.
 * Plain Node without dependencies, since it runs before anything is installed.
 */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { createInterface } from "node:readline/promises";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const onArm = process.arch === "arm64";

/** Programs and the Debian package that brings each. */
const qemu = onArm
  ? ["qemu-system-aarch64", "qemu-system-arm"]
  : ["qemu-system-x86_64", "qemu-system-x86"];

/** What building and booting needs. */
export const forTheJob = [qemu, ["xz", "xz-utils"], ["cc", "gcc"]];

/** What the tests compare with, beyond that. */
export const forTheTests = [
  ["e2fsck", "e2fsprogs"],
  ["cpio", "cpio"],
  ["bsdtar", "libarchive-tools"],
  ["zstd", "zstd"],
  ["lz4", "lz4"],
  ["bzip2", "bzip2"],
  ["readelf", "binutils"],
  ["getfattr", "attr"],
  ["setfacl", "acl"],
  ["mmdebstrap", "mmdebstrap"],
  ["fsck.erofs", "erofs-utils"],
  ["mksquashfs", "squashfs-tools"],
  ["umoci", "umoci"],
  ["skopeo", "skopeo"],
  ["docker-registry", "docker-registry"],
  ["openssl", "openssl"],
  ["buildah", "buildah"],
  ["podman", "podman"],
  ["containerd", "containerd"],
  ["setpriv", "util-linux"],
  ["ip", "iproute2"],
  ["nft", "nftables"],
  ["make", "make"],
  ["patch", "patch"],
  ["curl", "curl"],
  ["aarch64-linux-gnu-gcc", "gcc-aarch64-linux-gnu"],
  ["qemu-system-aarch64", "qemu-system-arm"],
];

function say(text) {
  process.stderr.write(`${text}\n`);
}

/** Runs a program in front of the user; ends this one with a clear sentence when it fails. */
export function run(command, args, options = {}) {
  const result = spawnSync(command, args, {
    cwd: root,
    stdio: ["inherit", "inherit", "inherit"],
    ...options,
  });
  if (result.status === 0) return;
  say(`\n${command} ${args.join(" ")} failed${result.error ? `: ${result.error.message}` : ""}`);
  process.exit(result.status === null ? 1 : result.status);
}

export function checkNode() {
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return;
  say(`wick needs Node 20.19 or newer, this is ${process.versions.node}`);
  process.exit(1);
}

/** npm's packages, exactly as the lockfile has them. */
export function installNodePackages() {
  const stamp = join(root, "node_modules", ".wick-lock");
  const lock = readFileSync(join(root, "package-lock.json"), "utf8");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === lock) return;
  say("Installing npm packages (npm ci)");
  run("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]);
  writeFileSync(stamp, lock);
}

function onPath(program) {
  const directories = [...process.env.PATH.split(delimiter), "/usr/sbin", "/sbin"];
  return directories.some((directory) => existsSync(join(directory, program)));
}

/** Debian's packages whose programs are missing: installed as root, through sudo after asking, or listed. */
export async function installPackages(wanted) {
  const missing = wanted.filter(([program]) => !onPath(program)).map(([, name]) => name);
  if (missing.length === 0) return;
  const prefix = await howToBecomeRoot(missing);
  const apt = (...args) =>
    run([...prefix, "apt-get"][0], [...prefix, "apt-get", ...args].slice(1), {
      stdio: ["ignore", "ignore", "inherit"],
      env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
    });
  say(`Installing Debian packages: ${missing.join(" ")}`);
  apt("update", "-qq");
  apt("install", "-y", "-qq", "--no-install-recommends", ...missing);
}

async function howToBecomeRoot(missing) {
  if (process.getuid() === 0) return [];
  const command = `apt-get install --no-install-recommends ${missing.join(" ")}`;
  if (onPath("sudo") && process.stdin.isTTY && (await agrees(`Run with sudo: ${command}?`)))
    return ["sudo"];
  say(`These packages are missing. As root, run:\n\n  ${command}\n\nand start again.`);
  process.exit(1);
}

async function agrees(question) {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await terminal.question(`${question} [y/N] `);
  terminal.close();
  return /^y(es)?$/i.test(answer.trim());
}

/** dist/: the compiled library, the command in a few files, and both init binaries. */
export function build() {
  const compiler = join(root, "node_modules", "typescript", "bin", "tsc");
  run(process.execPath, [compiler, "-p", "tsconfig.json"]);
  run(process.execPath, [join(root, "scripts", "bundle.mjs")]);
  run(process.execPath, [join(root, "scripts", "build-init.mjs")]);
}
