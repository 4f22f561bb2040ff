import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { fuzzImage, readAll, refused } from "../../../test/support/hostile-image.ts";
import { temporaryDirectory } from "../../../test/support/temporary-directory.ts";
import { display, storageOf, utf8 } from "../../bytes/index.ts";
import { openExt4 } from "./index.ts";

const WITHOUT_CHECKSUMS = ["-O", "^metadata_csum,^has_journal,^resize_inode"];

/** A small image of 1 KiB blocks, changed by debugfs commands. */
function makeImage(options: readonly string[], commands: readonly string[] = []): Uint8Array {
  const directory = temporaryDirectory();
  const tree = join(directory, "tree");
  mkdirSync(join(tree, "dir/inner"), { recursive: true });
  writeFileSync(join(tree, "dir/file"), "x".repeat(20_000));
  writeFileSync(join(tree, "dir/inner/victim-name"), "y");
  const sparse = new Uint8Array(20 * 2048).map((_, i) => (i % 2048 < 1024 ? 0 : 1));
  writeFileSync(join(tree, "sparse"), sparse); // mke2fs makes holes of zeros: 20 extents
  for (let i = 0; i < 60; i++) writeFileSync(join(tree, "dir/inner", `name-number-${i}`), "");
  symlinkSync("t".repeat(200), join(tree, "long"));
  symlinkSync("short", join(tree, "short-link"));
  execFileSync("setfattr", ["-n", "user.note", "-v", "value", join(tree, "dir/file")]);
  const file = join(directory, "image");
  const args = ["-q", "-F", "-t", "ext4", "-b", "1024", "-N", "128", ...options];
  execFileSync("mke2fs", [...args, "-d", tree, file, "2M"], { stdio: "pipe" });
  if (commands.length > 0) {
    execFileSync("debugfs", ["-w", "-f", "-", file], { input: commands.join("\n"), stdio: "pipe" });
  }
  return Uint8Array.from(readFileSync(file));
}

function replace(bytes: Uint8Array, from: string, to: string): void {
  const at = Buffer.from(bytes.buffer).indexOf(from);
  expect(at).toBeGreaterThan(0);
  bytes.set(utf8(to), at);
}

test.each([
  ["../pwn-name1", /slash/],
  ["victim\0name", /zero byte/],
  ["/etc/shadow", /slash/],
])("an entry named %j is refused", (name, message) => {
  const bytes = makeImage(WITHOUT_CHECKSUMS);
  replace(bytes, "victim-name", name.slice(0, 11));
  const image = openExt4(storageOf(bytes));
  expect(() => image.list(image.lookup(utf8("dir/inner")))).toThrow(refused(message));
  expect(() => readAll(image)).toThrow(refused(message));
});

test.each([
  ["rec_len 0", 4, [0, 0], /rec_len 0/],
  ["rec_len beyond the block", 4, [0xf0, 0xff], /rec_len 65520/],
  ["rec_len shorter than its name", 4, [8, 0], /rec_len 8/],
  ["rec_len that is odd", 4, [21, 0], /rec_len 21/],
  ["an inode that does not exist", 0, [0xff, 0xff, 0xff, 0x7f], /inode 2147483647/],
  ["an inode that is not in use", 0, [100, 0, 0, 0], /not in use/],
])("an entry with %s is refused", (_, offset, change, message) => {
  const bytes = makeImage(WITHOUT_CHECKSUMS);
  const name = Buffer.from(bytes.buffer).indexOf("victim-name");
  bytes.set(change, name - 8 + offset);
  const image = openExt4(storageOf(bytes));
  expect(() => readAll(image)).toThrow(refused(message));
});

test("a directory inside itself ends a walk and not a lookup", () => {
  const bytes = makeImage(WITHOUT_CHECKSUMS, ["link dir dir/inner/loop"]);
  const image = openExt4(storageOf(bytes));
  expect(() => readAll(image)).toThrow(refused(/several names/));
  expect(image.lookup(utf8("dir/inner/loop/inner/loop/file")).kind).toBe("file");
});

test.each([
  ["a file of 2^60 bytes", "sif dir/file size 1152921504606846976", /0x1000000000000000 bytes/],
  ["a directory of 2^31 bytes", "sif dir/inner size 2147483648", /0x80000000 bytes/],
  ["a symlink of 5000 bytes", "sif long size 5000", /target of 5000/],
  ["a symlink of no bytes", "sif long size 0", /target of 0/],
  ["a directory with a hole", "sif dir/inner size 8192", /rec_len 0/],
  ["a directory of half a block", "sif dir/inner size 1500", /1500 bytes/],
  ["no links", "sif dir/file links_count 0", /was removed/],
  ["no kind", "sif dir/file mode 0755", /not in use/],
  ["odd extra fields", "sif dir/file extra_isize 200", /extra fields/],
  ["attributes beyond the disk", "sif dir/file file_acl 99999999", /block 99999999/],
  ["attributes that are none", "sif dir/file file_acl 70", /none of attributes/],
])("%s: refused", (_, command, message) => {
  const bytes = makeImage(WITHOUT_CHECKSUMS, [command]);
  expect(() => readAll(openExt4(storageOf(bytes)))).toThrow(refused(message));
});

/** Where the inode of `path` lies in the image, by debugfs. */
function inodeOffset(bytes: Uint8Array, path: string): number {
  const file = join(temporaryDirectory(), "image");
  writeFileSync(file, bytes);
  const text = execFileSync("debugfs", ["-R", `imap ${path}`, file], { stdio: "pipe" }).toString();
  const [, block, offset] = /located at block (\d+), offset 0x([0-9a-f]+)/.exec(text)!;
  return Number(block) * 1024 + Number.parseInt(offset!, 16);
}

/** The leaf of the extent tree of `sparse`, in its tail of unused entries. */
function extentNode(bytes: Uint8Array): number {
  const at = inodeOffset(bytes, "sparse") + 0x28;
  const view = new DataView(bytes.buffer);
  expect(view.getUint16(at + 6, true)).toBe(1); // eh_depth
  return view.getUint32(at + 12 + 4, true) * 1024 + 30;
}

test("an extent tree that points to itself is refused", () => {
  const bytes = makeImage(WITHOUT_CHECKSUMS);
  const at = inodeOffset(bytes, "dir/file") + 0x28;
  const view = new DataView(bytes.buffer);
  const block = view.getUint32(at + 12 + 8, true); // its first data block becomes an index node
  for (const node of [at, block * 1024]) {
    view.setUint16(node, 0xf30a, true);
    view.setUint16(node + 2, 1, true); // eh_entries
    view.setUint16(node + 4, 4, true);
    view.setUint16(node + 6, 1, true); // eh_depth: the same in both
    view.setUint32(node + 12, 0, true);
    view.setUint32(node + 16, block, true);
    view.setUint32(node + 20, 0, true);
  }
  expect(() => readAll(openExt4(storageOf(bytes)))).toThrow(refused(/not what its parent says/));
});

test.each([
  ["beyond the disk", 20, 0x7fffffff, /block 2147483647/],
  ["on the superblock", 20, 1, /block 1/],
  ["of no blocks", 16, 0, /out of order/],
])("an extent %s is refused", (_, offset, value, message) => {
  const bytes = makeImage(WITHOUT_CHECKSUMS);
  const at = inodeOffset(bytes, "dir/file") + 0x28;
  new DataView(bytes.buffer).setUint32(at + offset, value, true);
  expect(() => readAll(openExt4(storageOf(bytes)))).toThrow(refused(message));
});

test("a block map that points to itself ends", () => {
  const bytes = makeImage(["-O", "^extent,^64bit,^metadata_csum,^has_journal"]);
  const at = inodeOffset(bytes, "dir/file") + 0x28;
  const view = new DataView(bytes.buffer);
  const block = view.getUint32(at + 12 * 4, true); // the indirect block
  for (let i = 0; i < 256; i++) view.setUint32(block * 1024 + i * 4, block, true);
  for (let i = 12; i < 15; i++) view.setUint32(at + i * 4, block, true);
  view.setUint32(at - 0x28 + 4, 0x7fff_ffff, true); // i_size: into the third level
  const image = openExt4(storageOf(bytes));
  const target = new Uint8Array(1024);
  const node = image.lookup(utf8("dir/file"));
  expect(image.read(node, target, 0x7000_0000)).toBe(1024);
  expect(readAll(image)).toBeGreaterThan(60);
});

test.each([
  ["s_blocks_per_group", 0x20, 0, /blocks in a group/],
  ["s_inodes_per_group", 0x28, 0, /inodes in a group/],
  ["s_inodes_count", 0x00, 0xffff_ffff, /inodes in/],
  ["s_blocks_count_lo", 0x04, 0xffff_ffff, /the file system/],
  ["s_log_block_size", 0x18, 4000, /blocks of 2\^4010/],
  ["s_first_data_block", 0x14, 77, /first data block/],
  ["s_inode_size", 0x58, 3, /inodes of/],
  ["s_desc_size", 0xfe, 33, /group descriptors of/],
  ["s_magic", 0x38, 0, /magic/],
])("a superblock with a wrong %s is refused", (_, offset, value, message) => {
  const bytes = makeImage(["-O", "^metadata_csum,64bit"]);
  const view = new DataView(bytes.buffer);
  if (value > 0xffff || offset < 0x38) view.setUint32(1024 + offset, value, true);
  else view.setUint16(1024 + offset, value, true);
  expect(() => openExt4(storageOf(bytes))).toThrow(refused(message));
});

test("an image cut short is refused", () => {
  const bytes = makeImage([]);
  for (const length of [0, 1024, 2047, 100_000, bytes.length - 1]) {
    expect(() => openExt4(storageOf(bytes.subarray(0, length)))).toThrow(refused(/bytes/));
  }
});

/** With checksums, where one changed byte is found: a place in the image by its meaning. */
test.each([
  ["superblock", () => 1024 + 0x78],
  ["descriptor of group 0", () => 2048 + 0x0c],
  ["inode", (bytes: Uint8Array) => inodeOffset(bytes, "dir/file") + 8],
  ["extent node", extentNode],
  ["directory", (bytes: Uint8Array) => Buffer.from(bytes.buffer).indexOf("victim-name")],
])("a changed byte in the %s is found by its checksum, by e2fsck too", (_, place) => {
  const bytes = makeImage(["-O", "metadata_csum,64bit"]);
  expect(readAll(openExt4(storageOf(bytes)))).toBeGreaterThan(60);
  const at = place(bytes);
  bytes[at] = bytes[at]! ^ 1;
  expect(() => readAll(openExt4(storageOf(bytes)))).toThrow(refused(/checksum/));
  const file = join(temporaryDirectory(), "image");
  writeFileSync(file, bytes);
  expect(() => execFileSync("e2fsck", ["-fn", file], { stdio: "pipe" })).toThrow();
});

test.each([
  ["extents", WITHOUT_CHECKSUMS],
  [
    "block maps and small inodes",
    ["-O", "^extent,^64bit,^metadata_csum,^has_journal", "-I", "128"],
  ],
  ["inline data", ["-O", "^metadata_csum,^has_journal,inline_data"]],
  ["checksums", ["-O", "metadata_csum,^has_journal"]],
])("five hundred images of %s with changed bytes end in an answer or an error", (_, options) => {
  const original = makeImage(options);
  const inodes = inodeOffset(original, "<2>") - 256;
  const directory = Buffer.from(original.buffer).indexOf("name-number-0") & ~1023;
  const places: [number, number][] = [
    [1024, 0x180],
    [2048, 128],
    [inodes, 128 * 100],
    [inodes + 128 * 11, 128 * 100],
    [directory, 2048],
  ];
  const found = fuzzImage(original, {
    rounds: 500,
    changes: 5,
    place(next) {
      const [start, length] = places[next(places.length)]!;
      return start + next(length);
    },
    open: (bytes) => openExt4(storageOf(bytes)),
  });
  expect(found.refused).toBeGreaterThan(100);
  expect(found.slowest).toBeLessThan(5000);
});

test("names that would harm a terminal are shown escaped", () => {
  const bytes = makeImage(WITHOUT_CHECKSUMS);
  replace(bytes, "victim-name", "\u001b[2Jclear!");
  const image = openExt4(storageOf(bytes));
  const names = image.list(image.lookup(utf8("dir/inner"))).map(({ name }) => display(name));
  expect(names).toContain("\\x1b[2Jclear!e"); // the last letter is the victim's
});
