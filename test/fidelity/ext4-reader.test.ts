/** The ext4 reader says of an image what the kernel says of it, mounted. */
import { execFileSync, spawnSync } from "node:child_process";
import {
  closeSync,
  ftruncateSync,
  linkSync,
  lutimesSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openExt4 } from "../../src/formats/ext4/index.ts";
import { FileStorage } from "../../src/host/index.ts";
import { Tree } from "../../src/tree/index.ts";
import {
  buildExt4,
  canMount,
  debugfs,
  kernelManifest,
  mountImage,
  flipBytes,
} from "../support/ext4-image.ts";
import { imageManifest } from "../support/image-manifest.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { xattr } from "../support/tree-maker.ts";

const random = (length: number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => (Math.imul(i + 1, 2654435761) >>> 24) ^ (i >>> 8));

/** Every mtime that a 256-byte inode can hold has its limit somewhere here, in seconds. */
const TIMES = [-2147483648, -1, 0, 2147483647, 2147483648, 4294967295, 4294967296, 15032385535];

/** What the kernel writes in its own ways: a deep hash tree, deep extents, holes, attributes of all places. */
function fill(root: string, { large }: { readonly large: boolean }): void {
  mkdirSync(join(root, "many"));
  const count = large ? 12_000 : 300;
  for (let i = 0; i < count; i++) {
    writeFileSync(join(root, "many", `entry-${i}-${"n".repeat(i % 60)}`), "");
  }
  for (let i = 0; i < count; i += 3) rmSync(join(root, "many", `entry-${i}-${"n".repeat(i % 60)}`));
  mkdirSync(join(root, "tiny"));
  for (const size of [0, 1, 60, 61, 100, 156, 157, 4000, 4096, 70_000, 3_000_000]) {
    writeFileSync(join(root, `size-${size}`), random(size));
  }
  writeHoles(join(root, "holes"));
  for (const length of [1, 59, 60, 700, 1000]) {
    symlinkSync("s".repeat(length), join(root, `link-${length}`));
  }
  linkSync(join(root, "size-60"), join(root, "tiny/linked"));
  execFileSync("mknod", [join(root, "device"), "b", "259", "70000"]);
  execFileSync("mknod", [join(root, "fifo"), "p"]);
  execFileSync("chown", ["-h", "3000000000:4294967294", join(root, "link-59")]);
  setAttributes(root);
}

/** Pieces and holes, an end far behind the last byte, and reserved blocks that were never written. */
function writeHoles(path: string): void {
  const file = openSync(path, "w");
  for (let i = 0; i < 700; i++) writeSync(file, random(50), 0, 50, i * 12_288 + 100);
  ftruncateSync(file, 40_000_000);
  closeSync(file);
  // Only extents can reserve; block maps say EOPNOTSUPP and have one case less.
  spawnSync("fallocate", ["-o", "20000000", "-l", "1000000", path]);
}

function setAttributes(root: string): void {
  const set = (name: string, value: string, file: string) =>
    execFileSync("setfattr", ["-h", "-n", name, "-v", value, join(root, file)]);
  set("user.small", "in the inode", "size-4096");
  set("user.large", "v".repeat(800), "size-4096");
  set("trusted.hidden", "0x00ff00", "size-4096");
  set("trusted.link", "of a link", "link-60");
  set("security.capability", "0x0100000200040000000000000000000000000000", "size-100");
  execFileSync("setfacl", ["-m", "u:3000000000:rx,g:7:w", join(root, "size-61")]);
  execFileSync("setfacl", ["-d", "-m", "u:1000:rwx", join(root, "tiny")]);
}

const optionSets: Readonly<Record<string, readonly string[]>> = {
  "ext4 as mke2fs makes it": ["-t", "ext4"],
  "block maps": ["-t", "ext4", "-b", "1024", "-O", "^extent,^64bit,^metadata_csum"],
  ext2: ["-t", "ext2", "-I", "128"],
  "inline data and values in inodes": ["-t", "ext4", "-O", "inline_data,ea_inode", "-I", "256"],
  "1 KiB blocks with checksums": ["-t", "ext4", "-b", "1024", "-O", "metadata_csum,64bit"],
};

test.runIf(canMount).each(Object.entries(optionSets))(
  "what the kernel wrote into %s is read as the kernel reads it",
  (name, options) => {
    const path = join(temporaryDirectory(), "image");
    const args = ["-q", "-F", "-N", "16000", ...options, path, "128M"];
    execFileSync("mke2fs", args, { stdio: "pipe" });
    {
      using mount = mountImage(path, { writable: true });
      fill(mount.root, { large: name.startsWith("ext4") || name.startsWith("1 KiB") });
      if (options.includes("inline_data,ea_inode")) {
        const value = `0x${Buffer.from(random(30_000)).toString("hex")}`;
        const command = `setfattr -n user.huge -v ${value} ${join(mount.root, "size-157")}\n`;
        execFileSync("sh", { input: command });
      }
      const wide = !options.includes("128");
      TIMES.slice(0, wide ? undefined : 4).forEach((seconds, i) => {
        const file = join(mount.root, "tiny", `time-${i}`);
        writeFileSync(file, "");
        utimesSync(file, seconds + (wide ? 0.125 : 0), seconds + (wide ? 0.125 : 0));
      });
      lutimesSync(join(mount.root, "link-1"), 1, 1);
    }
    using mount = mountImage(path);
    using storage = new FileStorage(path, "read");
    const wanted = kernelManifest(mount.root);
    const found = imageManifest(openExt4(storage));
    expect(found.filter((line) => !wanted.includes(line))).toEqual([]);
    expect(found).toEqual(wanted);
  },
);

test.runIf(canMount)(
  "the kernel's directory is a hash tree of several levels, its file a deep extent tree",
  () => {
    const path = join(temporaryDirectory(), "image");
    execFileSync("mke2fs", ["-q", "-F", "-t", "ext4", "-N", "16000", "-b", "1024", path, "128M"], {
      stdio: "pipe",
    });
    {
      using mount = mountImage(path, { writable: true });
      fill(mount.root, { large: true });
    }
    expect(debugfs(path, "htree_dump many")).toMatch(/Indirect levels: 1/);
    expect(debugfs(path, "ex holes")).toMatch(/^ *2\/ 2/m);
  },
);

test.runIf(canMount)("what wick wrote is read as the kernel reads it", () => {
  const built = buildExt4((make) => {
    const directory = make.directory(Tree.ROOT, "dir", { mode: 0o1777 });
    for (const size of [0, 1, 4096, 1_100_000]) make.file(directory, `size-${size}`, random(size));
    make.file(directory, "holes", [random(5000), 1_000_000, random(10), 70_000]);
    make.file(directory, "marked", "contents found by this");
    make.symlink(directory, "link", "t".repeat(59));
    make.symlink(directory, "long link", "t".repeat(60));
    make.file(directory, "attributes", "x", {
      xattrs: [xattr("user.a", "b"), xattr("user.c", random(3000))],
    });
    const many = make.directory(Tree.ROOT, "many");
    for (let i = 0; i < 3000; i++) make.file(many, `a name of some length ${i}`, "");
  });
  using mount = mountImage(built.path);
  using storage = new FileStorage(built.path, "read");
  const image = openExt4(storage);
  expect(imageManifest(image)).toEqual(kernelManifest(mount.root));
  expect(imageManifest(image)).toEqual(built.expected());
  // The comparison sees a changed byte, which no checksum of ext4 covers.
  const at = readFileSync(built.path).indexOf("contents found by this");
  flipBytes(built.path, at);
  expect(imageManifest(openExt4(storage))).not.toEqual(built.expected());
});
