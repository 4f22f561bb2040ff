import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { MemoryStorage } from "../../../test/support/memory-storage.ts";
import { fuzzImage, readAll, refused } from "../../../test/support/hostile-image.ts";
import { temporaryDirectory } from "../../../test/support/temporary-directory.ts";
import { TreeMaker, xattr } from "../../../test/support/tree-maker.ts";
import { crc32c, display, storageOf, utf8 } from "../../bytes/index.ts";
import { Tree } from "../../tree/index.ts";
import { createErofs, openErofs } from "./index.ts";
import { dirent, inodeExtended, superblock, SUPERBLOCK_OFFSET } from "./layout.ts";

/** A small image of ours with a bit of everything, its superblock without a checksum. */
function makeImage(): Uint8Array {
  const storage = new MemoryStorage();
  const writer = createErofs(storage, { uuid: new Uint8Array(16), warn: () => undefined });
  const make = new TreeMaker(writer.sink);
  const directory = make.directory(Tree.ROOT, "dir");
  const inner = make.directory(directory, "inner");
  make.file(directory, "file", "x".repeat(20_000), { xattrs: [xattr("user.note", "value")] });
  make.file(inner, "victim-name", "y");
  make.file(inner, "z");
  for (let i = 0; i < 400; i++) make.file(inner, `name-number-${i}`, i % 9 === 0 ? "z" : "");
  make.file(
    Tree.ROOT,
    "holes",
    ["a", 20 << 20, "b"].map((p) => (typeof p === "string" ? utf8(p) : p)),
  );
  make.symlink(Tree.ROOT, "link", "dir/inner");
  make.special(Tree.ROOT, "device", "char", { major: 1, minor: 3 });
  writer.finish(make.tree);
  const bytes = new Uint8Array(storage.sizeBytes);
  storage.readAt(bytes, 0);
  return withoutChecksum(bytes);
}

function withoutChecksum(bytes: Uint8Array): Uint8Array {
  new DataView(bytes.buffer).setUint32(
    SUPERBLOCK_OFFSET + superblock.offsets.feature_compat,
    2,
    true,
  );
  return bytes;
}

const original = makeImage();

/** A copy of the image to be changed, and where the inode of `path` lies in it. */
function copyWith(path: string): { bytes: Uint8Array; view: DataView; at: number } {
  const bytes = original.slice();
  const { id } = openErofs(storageOf(bytes)).lookup(utf8(path), { follow: false });
  return { bytes, view: new DataView(bytes.buffer), at: id * 32 };
}

const expectRefused = (bytes: Uint8Array, message: RegExp): void =>
  expect(() => readAll(openErofs(storageOf(bytes)))).toThrow(refused(message));

test("the image itself is read", () => {
  expect(readAll(openErofs(storageOf(original)))).toBe(408);
});

test.each([
  ["../pwn-name1", /slash/],
  ["victim\0name", /zero byte/],
  ["/etc/shadow", /slash/],
])("an entry named %j is refused", (name, message) => {
  const bytes = original.slice();
  bytes.set(utf8(name.slice(0, 11)), Buffer.from(bytes.buffer).indexOf("victim-name"));
  expectRefused(bytes, message);
});

test("a directory inside itself ends a walk and not a lookup", () => {
  const { bytes, view, at } = copyWith("dir");
  const { id } = openErofs(storageOf(bytes)).root;
  // The entries of "dir" are ".", "..", "file", "inner": the last becomes the root.
  const entry = at + inodeExtended.sizeBytes + 3 * dirent.sizeBytes;
  view.setBigUint64(entry, BigInt(id), true);
  expectRefused(bytes, /several names/);
  const image = openErofs(storageOf(bytes));
  expect(image.lookup(utf8("dir/inner/dir/inner/dir/file")).kind).toBe("file");
});

test.each([
  ["an inode beyond the end", 0, 1n << 40n, /inode 1099511627776/],
  ["an inode of 2^63", 0, 1n << 63n, /inode 9223372036854775808/],
  ["an inode that is none", 0, 0n, /not in use|format/],
])("an entry for %s is refused", (_, offset, value, message) => {
  const { bytes, view, at } = copyWith("dir");
  view.setBigUint64(at + inodeExtended.sizeBytes + 3 * dirent.sizeBytes + offset, value, true);
  expectRefused(bytes, message);
});

test.each([
  ["a first name at 0", 0, 0, /begin at byte 0/],
  ["a first name between entries", 0, 13, /begin at byte 13/],
  ["a first name beyond the block", 0, 12_000, /begin at byte 12000/],
  ["a name before the one before it", 1, 10, /a name from byte 48 to 10/],
  ["a name beyond the block", 3, 4000, /a name from byte/],
])("a directory with %s is refused", (_, entry, value, message) => {
  const { bytes, view, at } = copyWith("dir");
  const start = at + inodeExtended.sizeBytes + entry * dirent.sizeBytes;
  view.setUint16(start + dirent.offsets.nameoff, value, true);
  expectRefused(bytes, message);
});

const fields = inodeExtended.offsets;
test.each([
  ["a file of 2^60 bytes", "dir/file", fields.i_size, 1n << 60n, /1152921504606846976 bytes/],
  ["a file larger than the image", "dir/file", fields.i_size, 1n << 40n, /inode|end/],
  [
    "a directory of 2^29 bytes",
    "dir/inner",
    fields.i_size,
    1n << 29n,
    /more (than the image|directories)/,
  ],
  ["a symlink of 5000 bytes", "link", fields.i_size, 5000n, /target of 5000/],
  ["a symlink of no bytes", "link", fields.i_size, 0n, /target of 0/],
  ["a table of 2^50 bytes", "holes", fields.i_size, 1n << 50n, /chunk table/],
])("%s: refused", (_, path, offset, value, message) => {
  const { bytes, view, at } = copyWith(path);
  view.setBigUint64(at + offset, value, true);
  expectRefused(bytes, message);
});

test.each([
  ["no kind", "dir/file", fields.i_mode, 0o755, /not in use/],
  ["an unknown layout", "dir/file", fields.i_format, 1 | (6 << 1), /the format 13/],
  ["flags that do not exist", "dir/file", fields.i_format, 1 | (1 << 8), /the format 257/],
  ["attributes beyond the image", "dir/inner", fields.i_xattr_icount, 0xffff, /said to lie|across/],
  ["an unknown chunk format", "holes", fields.i_u, 0xff00, /chunk format/],
])("%s: refused", (_, path, offset, value, message) => {
  const { bytes, view, at } = copyWith(path);
  view.setUint16(at + offset, value, true);
  expectRefused(bytes, message);
});

test("blocks beyond the image are refused", () => {
  const { bytes, view, at } = copyWith("dir/file");
  view.setUint32(at + fields.i_u, 0xfffffff0, true);
  expectRefused(bytes, /said to lie at byte/);
});

test("a chunk beyond the image is refused, one without data is a hole", () => {
  const { bytes, view, at } = copyWith("holes");
  view.setUint32(at + inodeExtended.sizeBytes, 0xffffff00, true);
  expectRefused(bytes, /said to lie at byte/);
  view.setUint32(at + inodeExtended.sizeBytes, 0xffffffff, true);
  const image = openErofs(storageOf(bytes));
  const target = new Uint8Array(10).fill(1);
  expect(image.read(image.lookup(utf8("holes")), target, 0)).toBe(10);
  expect(target).toEqual(new Uint8Array(10));
});

test("attributes that are cut off, or shared ones that are not there, are refused", () => {
  const { bytes, view, at } = copyWith("dir/file");
  const header = at + inodeExtended.sizeBytes;
  view.setUint16(header + 12 + 2, 60_000, true); // e_value_size
  expectRefused(bytes, /cut off/);
  view.setUint16(header + 12 + 2, 5, true);
  view.setUint8(header + 4, 200); // h_shared_count
  expectRefused(bytes, /200 of them are shared/);
  view.setUint8(header + 4, 1);
  view.setUint16(at + fields.i_xattr_icount, 2, true); // a header and one number
  view.setUint32(header + 12, 0x7fffffff, true);
  expectRefused(bytes, /said to lie/);
});

test("compressed contents are UNSUPPORTED, and the rest of the image is read", () => {
  const { bytes, view, at } = copyWith("dir/file");
  view.setUint16(at + fields.i_format, 1 | (3 << 1), true);
  const image = openErofs(storageOf(bytes));
  const node = image.lookup(utf8("dir/file"));
  expect(image.stat(node).size).toBe(20_000);
  expect(() => image.read(node, new Uint8Array(1), 0)).toThrow(
    expect.objectContaining({ code: "UNSUPPORTED", hint: expect.stringMatching(/compression/) }),
  );
});

const places = superblock.offsets;
test.each<[string, number, number, number, [string, RegExp]]>([
  ["magic", places.magic, 0, 4, ["IMAGE_INVALID", /magic/]],
  ["blkszbits", places.blkszbits, 60, 1, ["IMAGE_INVALID", /blocks of 2\^60/]],
  ["blocks", places.blocks, 0xffffffff, 4, ["IMAGE_INVALID", /the file system/]],
  ["no blocks", places.blocks, 0, 4, ["IMAGE_INVALID", /the file system 0/]],
  ["meta_blkaddr", places.meta_blkaddr, 0xfffffff0, 4, ["IMAGE_INVALID", /root/]],
  ["root_nid", places.root_nid, 0xffff, 2, ["IMAGE_INVALID", /root|not in use|format/]],
  ["feature_incompat", places.feature_incompat, 0x100, 4, ["UNSUPPORTED", /0x100/]],
  ["dirblkbits", places.dirblkbits, 3, 1, ["UNSUPPORTED", /directories/]],
  ["extra_devices", places.extra_devices, 2, 2, ["UNSUPPORTED", /other files/]],
])("a superblock with a wrong %s is refused", (_, offset, value, width, [code, message]) => {
  const bytes = original.slice();
  const view = new DataView(bytes.buffer);
  const at = SUPERBLOCK_OFFSET + offset;
  if (width === 4) view.setUint32(at, value, true);
  else if (width === 2) view.setUint16(at, value, true);
  else view.setUint8(at, value);
  expect(() => openErofs(storageOf(bytes))).toThrow(
    expect.objectContaining({ code, message: expect.stringMatching(message) }),
  );
});

test("a changed byte behind the superblock is found by its checksum", () => {
  const bytes = original.slice();
  const view = new DataView(bytes.buffer);
  const at = SUPERBLOCK_OFFSET;
  view.setUint32(at + places.feature_compat, 3, true);
  view.setUint32(at + places.checksum, 0, true);
  view.setUint32(at + places.checksum, crc32c(0xffffffff, bytes, at, 4096), true);
  expect(readAll(openErofs(storageOf(bytes)))).toBe(408);
  bytes[2000] = bytes[2000]! ^ 1;
  expect(() => openErofs(storageOf(bytes))).toThrow(refused(/checksum/));
});

test("an image cut short is refused", () => {
  for (const length of [0, 1024, 1151, 4096, original.length - 1]) {
    expect(() => openErofs(storageOf(original.subarray(0, length)))).toThrow(refused(/bytes/));
  }
});

/** An image of mkfs.erofs: compact inodes, shared attributes, tails of its own. */
function foreignImage(...options: readonly string[]): Uint8Array {
  const directory = temporaryDirectory();
  const tree = join(directory, "tree");
  mkdirSync(join(tree, "dir/inner"), { recursive: true });
  writeFileSync(join(tree, "dir/file"), "x".repeat(20_000));
  for (let i = 0; i < 300; i++) writeFileSync(join(tree, "dir/inner", `name-number-${i}`), `${i}`);
  symlinkSync("dir/inner", join(tree, "link"));
  for (const name of ["dir/file", "dir/inner", "dir/inner/name-number-7"]) {
    execFileSync("setfattr", ["-n", "user.note", "-v", "value", join(tree, name)]);
  }
  const path = join(directory, "image");
  execFileSync("mkfs.erofs", ["-x1", ...options, path, tree], { stdio: "pipe" });
  return withoutChecksum(Uint8Array.from(readFileSync(path)));
}

test.each([
  ["of ours", () => original],
  ["of mkfs.erofs", () => foreignImage()],
  ["of mkfs.erofs in chunks", () => foreignImage("--chunksize=4096")],
  ["of mkfs.erofs, compressed", () => foreignImage("-zlz4")],
])("two hundred images %s with changed bytes end in an answer or an error", (_, make) => {
  const image = make();
  const found = fuzzImage(image, {
    rounds: 200,
    changes: 8,
    place: (next) => (next(10) === 0 ? 1024 + next(128) : 1152 + next(image.length - 1152)),
    open: (bytes) => openErofs(storageOf(bytes)),
  });
  expect(found.refused).toBeGreaterThan(10);
  expect(found.slowest).toBeLessThan(5000);
});

test("names that would harm a terminal are shown escaped", () => {
  const bytes = original.slice();
  bytes.set(utf8("\u001b[2Jclear!"), Buffer.from(bytes.buffer).indexOf("victim-name"));
  const image = openErofs(storageOf(bytes));
  const names = image.list(image.lookup(utf8("dir/inner"))).map(({ name }) => display(name));
  expect(names).toContain("\\x1b[2Jclear!e"); // the last letter is the victim's
});
