import { execFileSync, spawnSync } from "node:child_process";
import { lstatSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { fuzzImage } from "../../../test/support/hostile-image.ts";
import { trees } from "../../../test/support/sample-trees.ts";
import { temporaryDirectory } from "../../../test/support/temporary-directory.ts";
import { TreeMaker, xattr } from "../../../test/support/tree-maker.ts";
import { display, storageOf, utf8 } from "../../bytes/index.ts";
import { MemorySink, Tree } from "../../tree/index.ts";
import { CpioImage, encodeCpio, writeCpioTree } from "./index.ts";

function archiveOf(make: (maker: TreeMaker) => void, order?: readonly (readonly Uint8Array[])[]) {
  const sink = new MemorySink();
  const maker = new TreeMaker(sink);
  make(maker);
  const pieces: Uint8Array[] = [];
  const warnings: string[] = [];
  const write = (bytes: Uint8Array): void => void pieces.push(bytes.slice());
  const warn = (text: string): void => void warnings.push(text);
  const inodes = writeCpioTree(maker.tree, sink, { write, warn, order });
  return { bytes: new Uint8Array(Buffer.concat(pieces)), warnings, inodes };
}

function opened(bytes: Uint8Array): CpioImage {
  const image = new CpioImage();
  expect(image.add(storageOf(bytes))).toBeUndefined();
  return image;
}

function contents(image: CpioImage, path: string): string {
  const node = image.lookup(utf8(path));
  const bytes = new Uint8Array(image.stat(node).size);
  image.read(node, bytes, 0);
  return display(bytes);
}

function small(maker: TreeMaker): void {
  const a = maker.directory(Tree.ROOT, "a");
  const z = maker.directory(Tree.ROOT, "z", { mode: 0o1777, uid: 7, gid: 8 });
  const linked = maker.file(a, "first", "one inode", { mode: 0o4755 });
  maker.link(z, "second", linked);
  maker.file(z, "holes", [utf8("begin"), 100_000, utf8("end")]);
  maker.symlink(a, "link", "../z/second");
}

test.each([["cpio"], ["bsdtar"]])("%s unpacks what was written of a tree", (tool) => {
  const { bytes, inodes } = archiveOf(small);
  expect(inodes).toBe(6);
  const cwd = temporaryDirectory();
  execFileSync(tool, tool === "cpio" ? ["-idm", "--quiet"] : ["-xpf", "-"], { cwd, input: bytes });
  const [first, second] = ["a/first", "z/second"].map((path) => lstatSync(join(cwd, path)));
  expect(first!.ino).toBe(second!.ino);
  expect(readFileSync(join(cwd, "a/link"), "utf8")).toBe("one inode");
  expect(first!.mode & 0o7777).toBe(0o4755);
  const holes = readFileSync(join(cwd, "z/holes"), "latin1");
  expect(holes).toBe(`begin${"\0".repeat(100_000)}end`);
  expect(lstatSync(join(cwd, "z")).mode & 0o7777).toBe(0o1777);
});

test("the oracles notice an archive that is cut", () => {
  const { bytes } = archiveOf(small);
  const input = bytes.subarray(0, bytes.length - 2000);
  expect(spawnSync("cpio", ["-it", "--quiet"], { input }).status).not.toBe(0);
  expect(spawnSync("bsdtar", ["-tf", "-"], { input }).status).not.toBe(0);
});

test("parents come before children, a file with several names at its last one", () => {
  const { bytes } = archiveOf(small);
  const listed = execFileSync("cpio", ["-it", "--quiet"], { input: bytes, encoding: "utf8" });
  expect(listed.split("\n")).toEqual([
    ".",
    "a",
    "a/link",
    "z",
    "z/holes",
    "a/first",
    "z/second",
    "",
  ]);
});

test("in a given order nothing is written but what is named, as it is spelled", () => {
  const order = [["z"], ["./z/second", "a/first"], ["a"], ["a/link"]].map((names) =>
    names.map(utf8),
  );
  const { bytes, warnings, inodes } = archiveOf(small, order);
  const listed = execFileSync("cpio", ["-it", "--quiet"], { input: bytes, encoding: "utf8" });
  expect(listed.split("\n")).toEqual(["z", "./z/second", "a/first", "a", "a/link", ""]);
  expect(inodes).toBe(4);
  expect(warnings).toEqual([expect.stringMatching(/^"\/a\/first" comes before its directory/)]);
});

test("two names of an order that a link makes one are refused, as is one that leads nowhere", () => {
  const links = (maker: TreeMaker): void => {
    maker.file(maker.directory(Tree.ROOT, "d"), "f", "one");
    maker.symlink(Tree.ROOT, "l", "d");
  };
  for (const names of [["d", "l", "d/f", "l/f"], ["none"]]) {
    const order = names.map((name) => [utf8(name)]);
    expect(() => archiveOf(links, order)).toThrow(
      expect.objectContaining({ code: "PATH_CONFLICT" }),
    );
  }
});

test("the same tree gives the same bytes, whatever kinds are in it", () => {
  const { bytes } = archiveOf(trees.everyKind);
  expect(Buffer.compare(archiveOf(trees.everyKind).bytes, bytes)).toBe(0);
  const lines = execFileSync("cpio", ["-itv", "--quiet"], { input: bytes, encoding: "latin1" });
  expect(lines).toMatch(/crw-r--r-- .* 1, +3 .*devices\/null/);
  expect(lines).toMatch(/srw-r--r-- .*devices\/socket/);
});

test("times that do not fit and attributes are told, and nothing else", () => {
  const { warnings } = archiveOf((maker) => {
    maker.file(Tree.ROOT, "old", "", { mtime: { seconds: -5, nanoseconds: 1 } });
    maker.file(Tree.ROOT, "cap", "", { xattrs: [xattr("security.capability", "x")] });
  });
  expect(warnings).toEqual([
    '"/cap": its extended attribute "security.capability" is left out: an initramfs has none',
    '"/old": its time, -5 s from 1970, is moved into the years 1970 to 2106 that an initramfs can store',
  ]);
});

test("an image has what was written: kinds, owners, links, contents, targets", () => {
  const image = opened(archiveOf(small).bytes);
  expect(Array.from(image.walk(), ({ path }) => display(path))).toEqual([
    "a",
    "a/first",
    "a/link",
    "z",
    "z/holes",
    "z/second",
  ]);
  expect(image.stat(image.lookup(utf8("/z")))).toMatchObject({ mode: 0o1777, uid: 7, gid: 8 });
  expect(image.stat(image.lookup(utf8("/a/first")))).toMatchObject({ nlink: 2, size: 9 });
  for (const path of ["/a/first", "/z/second", "/a/link"]) {
    expect(contents(image, path)).toBe("one inode");
  }
  expect(contents(image, "/z/holes")).toBe(display(utf8(`begin${"\0".repeat(100_000)}end`)));
});

test("cpio's own archives are read, hard links too; a later archive overrides an earlier one", () => {
  const cwd = temporaryDirectory();
  execFileSync("sh", ["-c", "mkdir d; echo one > d/f; ln d/f g; echo two > h"], { cwd });
  const words = ["-c", "find . | sort | cpio -o -H newc --quiet"];
  const first = execFileSync("sh", words, { cwd });
  const root = { mode: 0o644, uid: 0, gid: 0, mtime: 0 };
  const second = encodeCpio([{ ...root, path: utf8("h"), kind: "file", contents: utf8("new") }]);
  const image = opened(new Uint8Array(Buffer.concat([first, second])));
  expect(contents(image, "d/f")).toBe(display(utf8("one\n")));
  expect(contents(image, "g")).toBe(display(utf8("one\n")));
  expect(contents(image, "h")).toBe("new");
});

test("what is compressed behind an archive is told by where it begins", () => {
  const plain = archiveOf(small).bytes;
  const image = new CpioImage();
  const joined = Buffer.concat([plain, Uint8Array.of(0x1f, 0x8b, 8, 0)]);
  expect(image.add(storageOf(new Uint8Array(joined)))).toBe(plain.length);
});

test.each([
  ["nothing", new Uint8Array(0)],
  ["text", utf8("no archive at all")],
  ["a cut archive", archiveOf(small).bytes.subarray(0, 300)],
])("%s is IMAGE_INVALID", (_, bytes) => {
  expect(() => new CpioImage().add(storageOf(bytes))).toThrow(
    expect.objectContaining({ code: "IMAGE_INVALID" }),
  );
});

test("changed bytes give an answer or an error, soon", () => {
  const { bytes } = archiveOf(small);
  const open = (changed: Uint8Array): CpioImage => {
    const image = new CpioImage();
    image.add(storageOf(changed));
    return image;
  };
  const place = (next: (limit: number) => number): number =>
    next(2) === 0 ? next(700) : bytes.length - 1 - next(1200);
  const { refused, slowest } = fuzzImage(bytes, { rounds: 1500, changes: 4, place, open });
  expect(refused).toBeGreaterThan(100);
  expect(slowest).toBeLessThan(5000);
});
