import { expect, test } from "vitest";
import { unpack, type Unpacked } from "../../test/support/manifest.ts";
import { archive, file, header } from "../../test/support/tar-builder.ts";
import { shownTree } from "../../test/support/trees.ts";

const directory = (name: string, mode = 0o755): Uint8Array => header({ name, typeflag: "5", mode });
const symlink = (name: string, linkname: string): Uint8Array =>
  header({ name, typeflag: "2", linkname });
const hardLink = (name: string, linkname: string): Uint8Array =>
  header({ name, typeflag: "1", linkname });

/** Layers on top of each other, lowest first, each by its entries. */
const stack = (...layers: readonly (readonly Uint8Array[])[]): Unpacked =>
  unpack(
    layers.map((parts) => archive(...parts)),
    { whiteouts: "oci" },
  );
const shown = (...layers: readonly (readonly Uint8Array[])[]): string[] =>
  shownTree(stack(...layers));

const coded = (code: string): unknown => expect.objectContaining({ name: "WickError", code });

test("case 49: a whiteout hides what lower layers have, once and for all", () => {
  const lower = [file("a", "1"), file("b", "2"), file("d/c", "3")];
  expect(shown(lower, [file(".wh.a"), file("d/.wh.c")])).toEqual(["/b = 2", "/d/"]);
  expect(stack(lower, [file(".wh.a"), file("d/.wh.c")]).sink.usage().bytes).toBe(1);
  expect(shown([file(".wh.a"), file("a", "1")])).toEqual(["/a = 1"]);
});

test("case 49: whatever is in the whiteout, and whatever type it has, its name is what counts", () => {
  const whiteouts = [file(".wh.a", "contents"), directory(".wh.b/"), symlink(".wh.c", "x")];
  expect(shown([file("a"), file("b"), file("c"), file("e")], whiteouts)).toEqual(["/e = "]);
});

test("case 50: what the same layer has under that name stays, before or after the whiteout", () => {
  const lower = [file("x", "old"), directory("d"), file("d/old")];
  expect(shown(lower, [file(".wh.x"), file("x", "new")])).toContain("/x = new");
  expect(shown(lower, [file("x", "new"), file(".wh.x")])).toContain("/x = new");
  const replaced = ["/d/", "/d/new = ", "/x = old"];
  expect(shown(lower, [file(".wh.d"), directory("d"), file("d/new")])).toEqual(replaced);
  expect(shown(lower, [directory("d"), file("d/new"), file(".wh.d")])).toEqual(replaced);
});

test("case 50: a hard link of the layer is its own, the lower name that it came from is not", () => {
  const shownLinks = shown([file("x", "1")], [hardLink("y", "x"), file(".wh.x"), file(".wh.y")]);
  expect(shownLinks).toEqual(["/y = 1"]);
  expect(shown([file("y", "0")], [hardLink("d/y", "z"), file(".wh.d"), file("z", "1")])).toEqual([
    "/d/",
    "/d/y = 1",
    "/y = 0",
    "/z = 1",
  ]);
});

test("case 51: an opaque directory keeps this layer's children and none of lower layers'", () => {
  const lower = [file("d/a", "1"), file("d/s/b", "2"), file("d/t/c", "3"), file("e", "4")];
  const opaque = file("d/.wh..wh..opq");
  const mine = [directory("d", 0o700), file("d/n", "5"), file("d/s/m", "6")];
  const expected = ["/d/", "/d/n = 5", "/d/s/", "/d/s/m = 6", "/e = 4"];
  expect(shown(lower, [opaque, ...mine])).toEqual(expected);
  expect(shown(lower, [...mine, opaque])).toEqual(expected);
  expect(shown(lower, [...mine.slice(0, 2), opaque, ...mine.slice(2), opaque])).toEqual(expected);
  expect(shown(lower, [file(".wh..wh..opq"), file("r", "7")])).toEqual(["/r = 7"]);
});

test("case 52: a whiteout of what is not there does nothing and makes no directory", () => {
  const missing = [file(".wh.x"), file("no/such/.wh.x"), file("no/.wh..wh..opq"), file("f/.wh.x")];
  expect(shown([file("f", "1")], missing)).toEqual(["/f = 1"]);
});

test("case 53: with a directory all that is below it goes", () => {
  const unpacked = stack([file("d/a/b", "1"), file("d/c", "2"), file("e", "3")], [file(".wh.d")]);
  expect(shownTree(unpacked)).toEqual(["/e = 3"]);
  expect(unpacked.sink.usage()).toEqual({ places: 1, bytes: 1 });
});

test("case 54: a whiteout stored as a hard link is a whiteout", () => {
  const whiteouts = [file(".wh.a"), hardLink(".wh.b", ".wh.a"), hardLink("d/.wh..wh..opq", "x")];
  expect(shown([file("a"), file("b"), file("d/c"), file("e")], whiteouts)).toEqual([
    "/d/",
    "/e = ",
  ]);
});

test("case 55: deleted, then added in a higher layer, it is there", () => {
  expect(shown([file("a", "1")], [file(".wh.a")], [file("a", "3")])).toEqual(["/a = 3"]);
  expect(shown([file("a", "1")], [file(".wh.a")], [file("b")], [file(".wh.b")])).toEqual([]);
});

test("case 56: AUFS' own names and all below them are left out", () => {
  const meta = [
    directory(".wh..wh.plnk"),
    file(".wh..wh.plnk/12.34", "x"),
    file(".wh..wh.aufs", "y"),
    file("d/.wh..wh.orph/z", "z"),
  ];
  expect(shown([file(".wh.plnk", "kept"), ...meta], [...meta, file("a", "1")])).toEqual(["/a = 1"]);
});

test("case 57: a character device 0:0, which is overlayfs' own whiteout, is kept as a device", () => {
  const { tree } = stack([file("a")], [header({ name: "a", typeflag: "3", major: 0, minor: 0 })]);
  const ino = tree.lookup(0, Buffer.from("a"));
  expect(tree.inodes.kind(ino)).toBe("char");
  expect(tree.inodes.rdev(ino)).toEqual({ major: 0, minor: 0 });
});

test("whiteouts are found behind symlinks, and `..` is taken out of their paths first", () => {
  const lower = [file("usr/lib/a"), file("usr/lib/b"), symlink("lib", "/usr/lib")];
  expect(shown(lower, [file("lib/.wh.a"), file("usr/x/../lib/.wh.b")])).toEqual([
    "/lib -> /usr/lib",
    "/usr/",
    "/usr/lib/",
  ]);
  expect(shown(lower, [file("lib/.wh..wh..opq")])).toEqual([
    "/lib -> /usr/lib",
    "/usr/",
    "/usr/lib/",
  ]);
  expect(shown(lower, [file(".wh.lib")])).toContain("/usr/lib/a = ");
});

test("a whiteout behind a symlink that its own layer made a directory leaves the link's target alone", () => {
  const lower = [file("t/x", "1"), symlink("d", "t")];
  const expected = ["/d/", "/t/", "/t/x = 1"];
  expect(shown(lower, [directory("d"), file("d/.wh.x")])).toEqual(expected);
});

test("a whiteout of no name is refused", () => {
  for (const name of [".wh.", "d/.wh.", ".wh..", "d/.wh...", ".wh.../"]) {
    expect(() => shown([file("d/x")], [file(name)])).toThrow(coded("ARCHIVE_INVALID"));
  }
  expect(shown([file("..."), file("x")], [file(".wh....")])).toEqual(["/x = "]);
});

test("without the option, such names are names", () => {
  const unpacked = unpack([archive(file("a")), archive(file(".wh.a"))]);
  expect(shownTree(unpacked)).toEqual(["/.wh.a = ", "/a = "]);
});
