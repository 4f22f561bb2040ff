/** For tests: ext4 images on disk, and other people's tools that judge them. */
import { execFileSync, spawnSync } from "node:child_process";
import {
  closeSync,
  existsSync,
  lstatSync,
  mkdirSync,
  openSync,
  readSync,
  rmSync,
  writeSync,
} from "node:fs";
import { expect } from "vitest";
import { createExt4, type Ext4Options, type Ext4Summary } from "../../src/formats/ext4/index.ts";
import { Tree, type Sink } from "../../src/tree/index.ts";
import { type BuiltImage, buildImage } from "./built-image.ts";
import { FIXED_FIELDS } from "./manifest-line.ts";
import { manifestOfDirectory, manifestOfTree } from "./manifest.ts";
import type { TreeMaker } from "./tree-maker.ts";

/** Whether this user can mount images: root, with loop devices. */
export const canMount = process.getuid?.() === 0 && existsSync("/dev/loop-control");

export type Built = BuiltImage<Ext4Summary>;

/** An image of what `fill` makes; without `compare` nothing is read back for {@link Built.expected}. */
export function buildExt4(
  fill: (make: TreeMaker) => void,
  { compare = true, ...options }: Partial<Ext4Options> & { readonly compare?: boolean } = {},
): Built {
  return buildImage(fill, {
    format: "ext4",
    create: (storage, own) => createExt4(storage, { journal: false, ...own, ...options }),
    manifest: (tree, sink) => (compare ? fullManifest(tree, sink) : []),
  });
}

/** {@link manifestOfTree}, and for each name its link count and a symlink's time; lost+found where it will be made. */
export function fullManifest(
  tree: Tree,
  sink: Sink,
  { makesLostFound = true }: { readonly makesLostFound?: boolean } = {},
): string[] {
  const subdirectories = new Map<number, number>();
  for (const { directory, ino } of tree.walk()) {
    const isDirectory = tree.inodes.kind(ino) === "directory";
    subdirectories.set(directory, (subdirectories.get(directory) ?? 0) + (isDirectory ? 1 : 0));
  }
  const inos = [Tree.ROOT, ...Array.from(tree.walk(), ({ ino }) => ino)];
  const hasLostFound = !makesLostFound || tree.lookup(Tree.ROOT, Buffer.from("lost+found")) >= 0;
  const lines = manifestOfTree(tree, sink).map((line, i) => {
    const ino = inos[i]!;
    const { seconds, nanoseconds } = tree.inodes.mtime(ino);
    const made = ino === Tree.ROOT && !hasLostFound ? 1 : 0;
    const links =
      tree.inodes.kind(ino) === "directory"
        ? 2 + made + (subdirectories.get(ino) ?? 0)
        : tree.inodes.nameCount(ino);
    const time = BigInt(seconds) * 1_000_000_000n + BigInt(nanoseconds);
    return `${withSortedXattrs(line)}|${links}|${time}`;
  });
  if (!hasLostFound) {
    const { seconds, nanoseconds } = tree.inodes.mtime(Tree.ROOT);
    const ns = String(nanoseconds).padStart(9, "0");
    const both = BigInt(seconds) * 1_000_000_000n + BigInt(nanoseconds);
    lines.push(`/lost+found|directory|700|0:0|${seconds}.${ns}|||||2|${both}`);
  }
  return lines.sort();
}

function withSortedXattrs(line: string): string {
  const fields = line.split("|");
  return [...fields.slice(0, FIXED_FIELDS), ...fields.slice(FIXED_FIELDS).sort()].join("|");
}

/** The same lines for a mounted image. */
export function kernelManifest(root: string): string[] {
  return manifestOfDirectory(root)
    .map((line) => {
      const path = line.slice(0, line.indexOf("|"));
      const full = Buffer.from(root + (path === "/" ? "" : path), "latin1");
      const { nlink, mtimeNs } = lstatSync(full, { bigint: true });
      return `${withSortedXattrs(line)}|${nlink}|${mtimeNs}`;
    })
    .sort();
}

/** A mounted image. */
export interface Mount extends Disposable {
  readonly root: string;
  readonly device: string;
}

/** Mounts an image through a loop device; needs root. */
export function mountImage(
  path: string,
  { writable }: { readonly writable: boolean } = { writable: false },
): Mount {
  const root = `${path}.mounted`;
  mkdirSync(root, { recursive: true });
  execFileSync("mount", ["-t", "ext4", "-o", writable ? "loop" : "loop,ro", path, root]);
  const device = execFileSync("findmnt", ["-n", "-o", "SOURCE", root], { encoding: "utf8" }).trim();
  return {
    root,
    device,
    [Symbol.dispose]() {
      execFileSync("umount", [root]);
      rmSync(root, { recursive: true });
    },
  };
}

/** The lines of an image that the kernel has mounted, but for what ext4 itself adds: lost+found, and its link to the root. */
export function mountedContents(image: string): string[] {
  using mount = mountImage(image);
  const lines = kernelManifest(mount.root);
  expect(kernelComplaints(mount.device)).toEqual([]);
  return lines.filter((line) => !line.startsWith("/lost+found|")).map(withoutRootLinks);
}

export const withoutRootLinks = (line: string): string =>
  line.startsWith("/|") ? line.replace(/\|\d+\|(\d+)$/, "|*|$1") : line;

/** What the kernel has to complain about on `device`. */
export function kernelComplaints(device: string): string[] {
  const name = device.replace("/dev/", "");
  return (
    execFileSync("dmesg", { encoding: "utf8", maxBuffer: 1 << 26 })
      .split("\n")
      .filter((line) => line.includes(`(${name})`) || line.includes(`(device ${name})`))
      // Whole words: a UUID may hold "bad".
      .filter((line) => /warning|error|corrupt|\bbad\b|fail/i.test(line))
  );
}

/** A tool's verdict. */
export interface Verdict {
  readonly status: number | null;
  readonly output: string;
}

function run(command: string, args: readonly string[], input = ""): Verdict {
  const options = { encoding: "utf8", input, maxBuffer: 1 << 28 } as const;
  const { status, stdout, stderr } = spawnSync(command, args, options);
  return { status, output: stdout + stderr };
}

/** A full check without changes; status 0 is clean. */
export const e2fsck = (path: string): Verdict => run("e2fsck", ["-fn", path]);
/** A full check that repairs. */
export const e2fsckRepair = (path: string): Verdict => run("e2fsck", ["-fy", path]);
export const debugfs = (path: string, ...commands: string[]): string =>
  run("debugfs", ["-f", "-", path], `${commands.join("\n")}\n`).output;
export const dumpe2fs = (path: string, ...options: string[]): string =>
  run("dumpe2fs", [...options, path]).output;
/** Grows to the device's size where none is given. */
export const resize2fs = (path: string, ...size: string[]): Verdict =>
  run("resize2fs", [path, ...size]);

/** Inverts the bytes at `position` of a file. */
export function flipBytes(path: string, position: number, length = 1): void {
  const fd = openSync(path, "r+");
  const bytes = Buffer.alloc(length);
  readSync(fd, bytes, 0, length, position);
  writeSync(
    fd,
    bytes.map((byte) => byte ^ 0xff),
    0,
    length,
    position,
  );
  closeSync(fd);
}
