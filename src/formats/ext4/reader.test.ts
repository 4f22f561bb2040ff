import { execFileSync } from "node:child_process";
import {
  type Stats,
  closeSync,
  copyFileSync,
  linkSync,
  lstatSync,
  mkdtempSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { temporaryDirectory } from "../../../test/support/temporary-directory.ts";
import { display, storageOf, utf8 } from "../../bytes/index.ts";
import { openExt4, type Ext4Image } from "./reader.ts";

const isRoot = process.getuid?.() === 0;

/** Contents of `length` bytes that are not the same anywhere. */
function bytes(length: number): Uint8Array {
  const words = new Uint32Array(Math.ceil(length / 4));
  let state = length + 1;
  for (let i = 0; i < words.length; i++) words[i] = state = (state * 48271) % 2147483647;
  return new Uint8Array(words.buffer, 0, length);
}

/** A file of 1 MiB of which every other 4 KiB is a hole: many extents, or many holes in a block map. */
function writeSparse(path: string): void {
  const file = openSync(path, "w");
  for (let i = 0; i < 400; i++) writeSync(file, bytes(100), 0, 100, i * 16384 + 4096);
  closeSync(file);
}

/** A directory with what is awkward: sizes around every limit, long targets, links, attributes. */
function makeTree(): string {
  const root = mkdtempSync(join(tmpdir(), "tree-"));
  mkdirSync(join(root, "many"));
  for (const size of [0, 1, 59, 60, 61, 150, 1023, 4096, 4097, 300_000]) {
    writeFileSync(join(root, `file-${size}`), bytes(size));
  }
  writeFileSync(join(root, "large"), bytes(6_000_000));
  writeSparse(join(root, "sparse"));
  for (let i = 0; i < 500; i++)
    writeFileSync(join(root, "many", `name-${"x".repeat(i % 50)}-${i}`), "");
  mkdirSync(join(root, "small"));
  writeFileSync(join(root, "small/one"), "1");
  for (const length of [1, 59, 60, 61, 500, 1000])
    symlinkSync("t".repeat(length), join(root, `link-${length}`));
  symlinkSync("/many/../small", join(root, "absolute"));
  symlinkSync("loop", join(root, "loop"));
  linkSync(join(root, "file-1"), join(root, "small/linked"));
  execFileSync("mkfifo", [join(root, "fifo")]);
  if (isRoot) {
    execFileSync("mknod", [join(root, "char"), "c", "5", "1"]);
    execFileSync("mknod", [join(root, "block"), "b", "259", "70000"]);
    execFileSync("chown", ["70000:80000", join(root, "file-60")]);
  }
  execFileSync("chmod", ["6755", join(root, "file-61")]);
  execFileSync("setfattr", ["-n", "user.note", "-v", "value", join(root, "file-59")]);
  execFileSync("setfattr", ["-n", "user.long", "-v", "v".repeat(700), join(root, "file-59")]);
  execFileSync("setfacl", ["-m", "u:1000:r,g:2000:rw", join(root, "file-4096")]);
  utimesSync(join(root, "file-1023"), -1000, -1000);
  return root;
}

/** Made once: no test changes it. */
let tree: string;
beforeAll(() => {
  tree = makeTree();
});
afterAll(() => {
  rmSync(tree, { recursive: true, force: true });
});

function makeImage(options: readonly string[], size = "64M"): Uint8Array {
  const file = join(temporaryDirectory(), "image");
  const fixed = ["-q", "-F", "-E", "root_owner=0:0", "-L", "a label", "-d", tree];
  execFileSync("mke2fs", [...fixed, ...options, file, size], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  return Uint8Array.from(readFileSync(file));
}

function contentsOf(image: Ext4Image, path: string): Uint8Array {
  const node = image.lookup(utf8(path));
  const target = new Uint8Array(image.stat(node).size + 10);
  return target.subarray(0, image.read(node, target, 0));
}

/** Every name of an image as a line, with what an ordinary stat and read give. */
function describeImage(image: Ext4Image): string[] {
  return Array.from(image.walk(), ({ path, node }) => {
    const stat = image.stat(node);
    const device = stat.rdev === undefined ? "" : ` ${stat.rdev.major}:${stat.rdev.minor}`;
    const { seconds } = stat.mtime;
    const what =
      node.kind === "symlink"
        ? display(image.readlink(node))
        : node.kind === "file"
          ? digest(contentsOf(image, `/${display(path)}`))
          : "";
    const size = node.kind === "directory" ? "" : stat.size;
    const nlink = node.kind === "directory" ? "" : stat.nlink;
    const owner = `${stat.uid}:${stat.gid}`;
    return `${display(path)} ${node.kind} ${stat.mode.toString(8)} ${owner} ${nlink} ${size} ${seconds}${device} ${what}`;
  }).filter((line) => !line.startsWith("lost+found"));
}

/** Both have the same lines; shows those that only one has. */
function expectSame(found: readonly string[], wanted: readonly string[]): void {
  expect(found.filter((line) => !wanted.includes(line))).toEqual([]);
  expect(found).toEqual(wanted);
}

function digest(contents: Uint8Array): string {
  let sum = contents.length;
  for (const byte of contents) sum = (Math.imul(sum, 31) + byte) >>> 0;
  return sum.toString(16);
}

/** The same lines from the directory itself. */
function describeTree(root: string, path = ""): string[] {
  const names = readdirSync(join(root, path)).sort();
  return names.flatMap((name) => {
    const relative = path === "" ? name : `${path}/${name}`;
    const file = join(root, relative);
    const stat: Stats = lstatSync(file);
    const kind = kindOf(stat);
    const device = ["char", "block"].includes(kind)
      ? ` ${execFileSync("stat", ["-c", "%Hr:%Lr", file], { encoding: "utf8" }).trim()}`
      : "";
    const time = Math.floor(stat.mtimeMs / 1000);
    const what =
      kind === "symlink" ? readlinkSync(file) : kind === "file" ? digest(readFileSync(file)) : "";
    const size = kind === "directory" ? "" : stat.size;
    const nlink = kind === "directory" ? "" : stat.nlink;
    const mode = (stat.mode & 0o7777).toString(8);
    const line = `${relative} ${kind} ${mode} ${stat.uid}:${stat.gid} ${nlink} ${size} ${time}${device} ${what}`;
    return kind === "directory" ? [line, ...describeTree(root, relative)] : [line];
  });
}

function kindOf(stat: Stats): string {
  if (stat.isDirectory()) return "directory";
  if (stat.isSymbolicLink()) return "symlink";
  if (stat.isFIFO()) return "fifo";
  if (stat.isCharacterDevice()) return "char";
  return stat.isBlockDevice() ? "block" : "file";
}

const optionSets: Readonly<Record<string, readonly string[]>> = {
  "ext4 as mke2fs makes it": ["-t", "ext4"],
  ext2: ["-t", "ext2"],
  "ext3 with 1 KiB blocks": ["-t", "ext3", "-b", "1024"],
  "block maps of 2 KiB": ["-t", "ext4", "-b", "2048", "-O", "^extent,^64bit,^metadata_csum"],
  "1 KiB blocks with checksums": ["-t", "ext4", "-b", "1024"],
  "64 KiB blocks": ["-t", "ext4", "-b", "65536"],
  "inodes of 128 bytes": ["-t", "ext4", "-I", "128", "-O", "^metadata_csum"],
  "inline data": ["-t", "ext4", "-O", "inline_data", "-I", "512"],
  "inline data in small inodes": ["-t", "ext4", "-O", "inline_data"],
  "meta_bg without resize_inode": [
    "-t",
    "ext4",
    "-b",
    "1024",
    "-O",
    "meta_bg,^resize_inode",
    "-g",
    "1024",
  ],
  sparse_super2: ["-t", "ext4", "-b", "1024", "-O", "sparse_super2,^resize_inode", "-g", "2048"],
  "no flex_bg, uninit_bg": ["-t", "ext4", "-O", "^flex_bg,^metadata_csum,uninit_bg"],
  "metadata_csum_seed and large_dir": [
    "-t",
    "ext4",
    "-O",
    "metadata_csum_seed,large_dir",
    "-U",
    "random",
  ],
  "revision 0": ["-t", "ext2", "-r", "0", "-O", "none"],
  "inodes of 1024 bytes": ["-t", "ext4", "-I", "1024"],
  "no journal, 32 bits": ["-t", "ext4", "-O", "^has_journal,^64bit"],
};

test.each(Object.entries(optionSets))("gives back a tree that mke2fs put into %s", (_, options) => {
  const image = openExt4(storageOf(makeImage(options)));
  expectSame(describeImage(image), describeTree(tree));
});

test.each(Object.entries(optionSets))("says of %s what dumpe2fs says", (_, options) => {
  const file = join(temporaryDirectory(), "image");
  execFileSync("mke2fs", ["-q", "-F", ...options, "-L", "twelve", file, "16M"], { stdio: "pipe" });
  const { facts } = openExt4(storageOf(readFileSync(file)));
  const printed = execFileSync("dumpe2fs", ["-h", file], { encoding: "utf8", stdio: "pipe" });
  const line = (key: string) => new RegExp(`^${key}: +(.*)$`, "m").exec(printed)?.[1];
  expect(facts.features.join(" ") || "(none)").toBe(line("Filesystem features"));
  expect(facts.uuid).toBe(line("Filesystem UUID"));
  expect(display(facts.label)).toBe("twelve");
  expect([facts.blocks, facts.freeBlocks, facts.inodes, facts.freeInodes].map(String)).toEqual(
    ["Block count", "Free blocks", "Inode count", "Free inodes"].map(line),
  );
  expect(facts.state).toBe(line("Filesystem state"));
  expect(facts.blockSize).toBe(Number(line("Block size")));
  expect(facts.journal).toBe(facts.features.includes("has_journal"));
});

test("reads hash-tree directories and extent trees that e2fsck rebuilt", () => {
  const file = join(temporaryDirectory(), "image");
  writeFileSync(file, makeImage(["-t", "ext4", "-b", "1024"]));
  try {
    execFileSync("e2fsck", ["-fyD", file], { stdio: "pipe" });
  } catch (error) {
    expect((error as { status: number }).status).toBe(1); // 1 = changed as asked
  }
  const dump = execFileSync("debugfs", ["-R", "htree_dump many", file], {
    encoding: "utf8",
    stdio: "pipe",
  });
  expect(dump).toContain("Number of entries (count)");
  const extents = execFileSync("debugfs", ["-R", "ex sparse", file], {
    encoding: "utf8",
    stdio: "pipe",
  });
  expect(extents).toMatch(/ 2\/ 2/);
  const image = openExt4(storageOf(readFileSync(file)));
  expectSame(describeImage(image), describeTree(tree));
});

test("gives back extended attributes and ACLs as getxattr does", () => {
  const image = openExt4(storageOf(makeImage(["-t", "ext4"])));
  const xattrs = (path: string) =>
    image.stat(image.lookup(utf8(path))).xattrs.map(({ name, value }) => [display(name), value]);
  expect(xattrs("file-59")).toEqual([
    ["user.long", utf8("v".repeat(700))],
    ["user.note", utf8("value")],
  ]);
  const acl = execFileSync(
    "getfattr",
    ["--only-values", "-n", "system.posix_acl_access", join(tree, "file-4096")],
    { stdio: "pipe" },
  );
  expect(xattrs("file-4096")).toEqual([["system.posix_acl_access", Uint8Array.from(acl)]]);
  expect(xattrs("file-60")).toEqual([]);
});

test("paths are followed inside the image", () => {
  const image = openExt4(storageOf(makeImage(["-t", "ext4"])));
  expect(display(contentsOf(image, "absolute/one"))).toBe("1");
  expect(display(contentsOf(image, "/../../small/./../absolute/one"))).toBe("1");
  expect(image.lookup(utf8("absolute"), { follow: false }).kind).toBe("symlink");
  expect(image.lookup(utf8("/"))).toEqual(image.root);
  const code = (path: string) => {
    try {
      image.lookup(utf8(path));
      return "found";
    } catch (error) {
      return (error as { code: string }).code;
    }
  };
  expect(code("loop")).toBe("PATH_LOOP");
  expect(code("small/two")).toBe("PATH_NOT_FOUND");
  expect(code("file-1/x")).toBe("PATH_CONFLICT");
  expect(code("file-1/..")).toBe("PATH_CONFLICT");
  expect(code("a".repeat(5000))).toBe("PATH_NOT_FOUND");
});

test("a walk may begin at any directory", () => {
  const image = openExt4(storageOf(makeImage(["-t", "ext4"])));
  const paths = Array.from(image.walk(image.lookup(utf8("small"))), ({ path }) => display(path));
  expect(paths).toEqual(["linked", "one"]);
});

test("reads any part of a file, and nothing beyond its end", () => {
  const image = openExt4(storageOf(makeImage(["-t", "ext4"])));
  const node = image.lookup(utf8("large"));
  const target = new Uint8Array(10_000);
  expect(image.read(node, target, 4_000_001)).toBe(10_000);
  expect(Buffer.compare(target, bytes(6_000_000).subarray(4_000_001, 4_010_001))).toBe(0);
  expect(image.read(node, target, 5_999_999)).toBe(1);
  expect(image.read(node, target, 6_000_000)).toBe(0);
  expect(image.read(node, target, 2 ** 50)).toBe(0);
});

test.each([
  ["bigalloc", ["-t", "ext4", "-O", "bigalloc"]],
  ["journal_dev", ["-O", "journal_dev", "-b", "4096"]],
])("a file system with %s is refused by name", (feature, options) => {
  const file = join(temporaryDirectory(), "image");
  execFileSync("mke2fs", ["-q", "-F", ...options, file, "32M"], { stdio: "pipe" });
  expect(() => openExt4(storageOf(readFileSync(file)))).toThrow(
    expect.objectContaining({ code: "UNSUPPORTED", message: expect.stringContaining(feature) }),
  );
});

test("a journal that waits for its replay is reported", () => {
  const file = join(temporaryDirectory(), "image");
  execFileSync("mke2fs", ["-q", "-F", "-t", "ext4", file, "32M"], { stdio: "pipe" });
  copyFileSync(file, `${file}.clean`);
  execFileSync("debugfs", ["-w", "-R", "feature needs_recovery", file], { stdio: "pipe" });
  expect(openExt4(storageOf(readFileSync(`${file}.clean`))).facts.needsRecovery).toBe(false);
  expect(openExt4(storageOf(readFileSync(file))).facts.needsRecovery).toBe(true);
});
