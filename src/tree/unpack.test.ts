import { expect, test } from "vitest";
import { manifestOfTree, unpack, type Unpacked } from "../../test/support/manifest.ts";
import { archive, file, header, long, pax } from "../../test/support/tar-builder.ts";
import { shownTree } from "../../test/support/trees.ts";
import { utf8 } from "../bytes/index.ts";
import { findPath, playTree, Tree, Unpacker, MemorySink, type Entry } from "./index.ts";

const directory = (name: string, mode = 0o755): Uint8Array => header({ name, typeflag: "5", mode });
const symlink = (name: string, linkname: string): Uint8Array =>
  header({ name, typeflag: "2", linkname });
const hardLink = (name: string, linkname: string): Uint8Array =>
  header({ name, typeflag: "1", linkname });

/** The parts as one layer. */
const layer = (...parts: readonly Uint8Array[]): Unpacked => unpack(archive(...parts));

/** What an entry made by hand has beside type and path. */
const plain = {
  size: 0,
  mode: 0o644,
  uid: 0,
  gid: 0,
  mtime: { seconds: 0, nanoseconds: 0 },
  xattrs: [],
};

const coded = (code: string): unknown => expect.objectContaining({ name: "WickError", code });

test("all ways to write a path name one node", () => {
  const unpacked = layer(file("./a", "1"), file("/a", "2"), file("b//c", "3"), file("b/./c", "4"));
  expect(shownTree(unpacked)).toEqual(["/a = 2", "/b/", "/b/c = 4"]);
});

test("`..` that leaves the root is refused, in names and in hard links", () => {
  for (const name of ["../x", "a/../../x", "/.."]) {
    expect(() => layer(file(name))).toThrow(coded("PATH_ESCAPES"));
  }
  expect(() => layer(file("a"), hardLink("b", "../a"))).toThrow(coded("PATH_ESCAPES"));
  expect(shownTree(layer(file("a/../b", "x")))).toEqual(["/b = x"]);
});

test("an entry `./` describes the root, which can only be a directory", () => {
  const root = header({ name: "./", typeflag: "5", mode: 0o700, uid: 1, gid: 2, mtime: 3 });
  const { tree } = layer(pax([["SCHILY.xattr.user.r", "v"]]), root);
  expect(tree.inodes.metadata(Tree.ROOT)).toMatchObject({
    mode: 0o700,
    uid: 1,
    gid: 2,
    mtime: { seconds: 3 },
  });
  expect(tree.inodes.xattrs(Tree.ROOT)).toHaveLength(1);
  expect(() => layer(symlink("./", "/etc"))).toThrow(coded("PATH_CONFLICT"));
  expect(() => layer(file("."))).toThrow(coded("PATH_CONFLICT"));
});

test("names are bytes: no UTF-8, backslashes, newlines and case are kept", () => {
  const odd = Buffer.from("\xff\\\n", "latin1");
  expect(shownTree(layer(file(odd), file("A"), file("a")))).toEqual([
    "/A = ",
    "/a = ",
    "/\xff\\\n = ",
  ]);
});

test("names of 255 bytes and paths over 4096 are good, names of 256 are an error", () => {
  const path = Array.from({ length: 20 }, () => "n".repeat(255)).join("/");
  expect(shownTree(layer(long("L", path), file("s"))).at(-1)).toBe(`/${path} = `);
  expect(() => layer(long("L", "n".repeat(256)), file("s"))).toThrow("256 bytes");
  expect(() => layer(long("L", `${"n".repeat(256)}/x`), file("s"))).toThrow("256 bytes");
});

test("missing parents are made 0755 root, a later entry for one keeps its children", () => {
  const { tree, sink } = layer(file("a/b/c", "x"), directory("a/", 0o1777));
  expect(tree.inodes.mode(findPath(tree, "a"))).toBe(0o1777);
  expect(tree.inodes.mode(findPath(tree, "a/b"))).toBe(0o755);
  expect(shownTree({ tree, sink })).toEqual(["/a/", "/a/b/", "/a/b/c = x"]);
});

test("of a file that stands twice the last holds, the first one's bytes are given up", () => {
  const unpacked = layer(file("a", "first"), file("a", "second"), file("a", "3"));
  expect(shownTree(unpacked)).toEqual(["/a = 3"]);
  expect(unpacked.sink.usage()).toEqual({ places: 1, bytes: 1 });
});

test("a file replaces a directory with all below, and the reverse", () => {
  const unpacked = layer(
    file("a/b/c", "x"),
    file("a", "y"),
    file("z", "z"),
    directory("z"),
    file("z/q", "q"),
  );
  expect(shownTree(unpacked)).toEqual(["/a = y", "/z/", "/z/q = q"]);
  expect(unpacked.sink.usage()).toEqual({ places: 2, bytes: 2 });
  expect(() => layer(file("a"), file("a/b"))).toThrow(coded("PATH_CONFLICT"));
});

test("a directory over a symlink to a directory replaces it, as in containerd", () => {
  const parts = [directory("usr/lib"), symlink("lib", "usr/lib"), directory("lib/"), file("lib/x")];
  expect(shownTree(layer(...parts))).toEqual(["/lib/", "/lib/x = ", "/usr/", "/usr/lib/"]);
});

test("with dpkg's rule the symlink stays, and so does a directory that a symlink meets", () => {
  const options = { directoryLinks: "keep" } as const;
  const lib = [directory("usr/lib"), symlink("lib", "usr/lib"), directory("lib/"), file("lib/x")];
  expect(shownTree(unpack(archive(...lib), options))).toEqual([
    "/lib -> usr/lib",
    "/usr/",
    "/usr/lib/",
    "/usr/lib/x = ",
  ]);
  const late = [file("lib/x"), symlink("lib", "usr/lib")];
  expect(shownTree(unpack(archive(...late), options))).toEqual(["/lib/", "/lib/x = "]);
  const dangling = [symlink("lib", "nowhere"), directory("lib/")];
  expect(shownTree(unpack(archive(...dangling), options))).toEqual(["/lib/"]);
});

test("symlinked parents are followed inside the root, from a lower layer too", () => {
  const lower = archive(
    directory("usr/sbin"),
    symlink("sbin", "usr/sbin"),
    symlink("up", "../../../etc"),
  );
  const upper = archive(
    file("sbin/init", "i"),
    file("up/passwd", "p"),
    symlink("abs", "/var"),
    file("abs/x", "v"),
  );
  const expected = [
    "/abs -> /var",
    "/etc/",
    "/etc/passwd = p",
    "/sbin -> usr/sbin",
    "/up -> ../../../etc",
    "/usr/",
    "/usr/sbin/",
    "/usr/sbin/init = i",
    "/var/",
    "/var/x = v",
  ];
  expect(shownTree(unpack([lower, upper]))).toEqual(expected);
});

test("a symlink loop in a parent is an error", () => {
  expect(() => layer(symlink("a", "b"), symlink("b", "a"), file("a/x"))).toThrow(
    coded("PATH_LOOP"),
  );
});

test("symlinks are stored as they are, up to 4095 bytes", () => {
  const target = "t".repeat(4095);
  const { tree } = layer(
    symlink("a", "/absolute"),
    symlink("b", "../../dangling"),
    long("K", target),
    symlink("c", ""),
  );
  expect(
    Buffer.from(tree.inodes.target(findPath(tree, "c", { follow: "parents" }))!).toString(),
  ).toBe(target);
  expect(() => layer(long("K", `${target}t`), symlink("c", ""))).toThrow("4096 bytes");
  expect(() => layer(symlink("c", ""))).toThrow("0 bytes");
});

test("a hard link shares the inode, before its target too", () => {
  for (const parts of [
    [file("a", "x"), hardLink("b", "a"), hardLink("c", "./b")],
    [hardLink("c", "b"), hardLink("b", "/a"), file("a", "x")],
    [hardLink("b", "a"), file("a", "x"), hardLink("c", "b")],
  ]) {
    const { tree } = layer(...parts);
    const inodes = ["a", "b", "c"].map((path) => findPath(tree, path));
    expect(new Set(inodes).size).toBe(1);
    expect(tree.inodes.nameCount(inodes[0]!)).toBe(3);
  }
});

test("a hard link to a symlink links the symlink, through symlinked parents too", () => {
  const { tree } = layer(
    directory("d"),
    symlink("p", "d"),
    symlink("d/s", "nowhere"),
    hardLink("b", "p/s"),
  );
  const s = findPath(tree, "d/s", { follow: "parents" });
  expect(findPath(tree, "b", { follow: "parents" })).toBe(s);
  expect(tree.inodes.nameCount(s)).toBe(2);
});

test("a hard link to a directory, to nothing or in a circle is an error", () => {
  expect(() => layer(directory("d"), hardLink("b", "d"))).toThrow(coded("PATH_CONFLICT"));
  expect(() => layer(hardLink("b", "d"), directory("d"))).toThrow(coded("PATH_CONFLICT"));
  expect(() => layer(hardLink("b", "nothing"))).toThrow(coded("PATH_NOT_FOUND"));
  expect(() => layer(hardLink("b", "no/thing"))).toThrow(coded("PATH_NOT_FOUND"));
  expect(() => layer(hardLink("b", "c"), hardLink("c", "b"))).toThrow("lead in a circle");
  expect(() => layer(hardLink("b", "b"))).toThrow("lead in a circle");
});

test("a hard link to itself changes nothing", () => {
  const unpacked = layer(file("a", "x"), hardLink("a", "a"));
  expect(shownTree(unpacked)).toEqual(["/a = x"]);
  expect(unpacked.tree.inodes.nameCount(findPath(unpacked.tree, "a"))).toBe(1);
});

test("an entry after a hard link that waits takes its name, as does one for its directory", () => {
  const unpacked = layer(
    hardLink("b", "a"),
    file("b", "later"),
    hardLink("d/x", "a"),
    file("d", "f"),
    file("a", "x"),
  );
  expect(shownTree(unpacked)).toEqual(["/a = x", "/b = later", "/d = f"]);
});

test("a waiting chain of 20,000 links in the worst order is resolved in linear time", () => {
  const { tree, sink } = unpack(archive());
  const unpacker = new Unpacker({ tree, sink, warn: () => undefined });
  const start = performance.now();
  for (let i = 0; i < 20_000; i++) {
    unpacker.entry({ ...plain, type: "hardlink", path: utf8(`f${i}`), target: utf8(`f${i + 1}`) });
  }
  unpacker.entry({ ...plain, type: "fifo", path: utf8("f20000") });
  unpacker.finish();
  expect(tree.inodes.nameCount(findPath(tree, "f0"))).toBe(20_001);
  // Quadratic time would be many minutes.
  expect(performance.now() - start).toBeLessThan(30_000);
});

test("a hard link into a lower layer shares its inode, a replaced name leaves the other its content", () => {
  const lower = archive(file("a", "x"), hardLink("b", "a"));
  const both = unpack([lower, archive(hardLink("c", "a"), file("a", "new"))]);
  expect(shownTree(both)).toEqual(["/a = new", "/b = x", "/c = x"]);
  expect(both.tree.inodes.nameCount(findPath(both.tree, "b"))).toBe(2);
  expect(both.tree.inodes.nameCount(findPath(both.tree, "a"))).toBe(1);
  expect(both.sink.usage().places).toBe(2);
});

test("70,000 names of one inode are kept as one", () => {
  const { tree, sink } = layer(file("a", "x"));
  const unpacker = new Unpacker({ tree, sink, warn: () => undefined });
  for (let i = 1; i < 70_000; i++) {
    unpacker.entry({ ...plain, type: "hardlink", path: utf8(`l${i}`), target: utf8("a") });
  }
  expect(tree.inodes.nameCount(findPath(tree, "a"))).toBe(70_000);
});

test("devices beyond what Linux numbers hold are an error", () => {
  const { tree } = layer(header({ name: "d", typeflag: "3", major: 300, minor: 70000 }));
  expect(tree.inodes.rdev(findPath(tree, "d"))).toEqual({ major: 300, minor: 70000 });
  const wrong = { name: "d", typeflag: "4", major: 4096 };
  expect(() => layer(header(wrong))).toThrow(coded("VALUE_OUT_OF_RANGE"));
  expect(() => layer(header({ ...wrong, major: 1, minor: 2 ** 20 }))).toThrow("1:1048576");
});

test("setuid, setgid, sticky and ids over 65535 are kept", () => {
  const { tree } = layer(
    pax([
      ["uid", "70000"],
      ["gid", "4294967295"],
    ]),
    file("a", "", { mode: 0o7755 }),
  );
  expect(tree.inodes.metadata(findPath(tree, "a"))).toMatchObject({
    mode: 0o7755,
    uid: 70000,
    gid: 4294967295,
  });
});

test("attributes that Linux could not hold are an error", () => {
  const xattr = (name: string, length: number): Uint8Array =>
    pax([[`SCHILY.xattr.${name}`, "v".repeat(length)]]);
  expect(() => layer(xattr("user.x", 65537), file("a"))).toThrow(coded("IMAGE_LIMIT"));
  expect(() => layer(xattr(`user.${"x".repeat(251)}`, 1), file("a"))).toThrow("256");
  const { tree } = layer(xattr("user.x", 65536), file("a"));
  expect(tree.inodes.xattrs(findPath(tree, "a"))[0]!.value).toHaveLength(65536);
});

test("equal attributes of many files are kept once", () => {
  const { tree } = layer(
    ...Array.from({ length: 10 }, (_, i) => [
      pax([["SCHILY.xattr.user.l", "label"]]),
      file(`f${i}`),
    ]).flat(),
  );
  const lists = new Set(tree.list(Tree.ROOT).map(({ ino }) => tree.inodes.xattrs(ino)));
  expect(lists.size).toBe(1);
});

test("an entry without a name, or that passes the bound on inodes, is an error", () => {
  expect(() => layer(file(""))).toThrow("an entry without a name");
  const many = archive(file("a/b/c/d/e/f"));
  expect(() => unpack(many, { maxInodes: 5 })).toThrow(coded("ARCHIVE_LIMIT"));
  expect(unpack(many, { maxInodes: 7 }).tree.nameCount).toBe(6);
});

test("attributes, links' texts and waiting links are bounded in bytes together, shared ones count once", () => {
  const limited = { maxMetadataBytes: 10_000 };
  const refused = coded("ARCHIVE_LIMIT");
  const labelled = (i: number): Uint8Array[] => [
    pax([["SCHILY.xattr.user.l", "label"]]),
    file(`f${i}`),
  ];
  const equal = archive(...Array.from({ length: 100 }, (_, i) => labelled(i)).flat());
  expect(unpack(equal, limited).tree.nameCount).toBe(100);
  const large = pax([["SCHILY.xattr.user.l", "l".repeat(6000)]]);
  expect(() => unpack(archive(large, file("a"), large, file("b")), limited)).toThrow(refused);
  const target = long("K", "t".repeat(3000));
  const links = ["a", "b", "c", "d"].flatMap((name) => [target, symlink(name, "")]);
  expect(() => unpack(archive(...links), limited)).toThrow(refused);
  expect(unpack(archive(...links.slice(0, 6)), limited).tree.nameCount).toBe(3);
  const waiting = ["a", "b", "c", "d"].flatMap((name) => [target, hardLink(name, "")]);
  expect(() => unpack(archive(...waiting), limited)).toThrow(refused);
});

test("a tree played again gives the same tree, with its links and holes", () => {
  const first = layer(
    pax([
      ["SCHILY.xattr.user.x", "v"],
      ["mtime", "-1.5"],
    ]),
    file("d/a", "contents"),
    hardLink("b", "d/a"),
    symlink("d/l", "a"),
    hardLink("m", "d/l"),
    header({ name: "c", typeflag: "3", major: 1, minor: 3 }),
    file("big", Buffer.concat([Buffer.alloc(300_000, 1), Buffer.alloc(600_000)])),
    file("empty"),
    directory("./", 0o711),
  );
  const again = new MemorySink();
  const tree = new Tree();
  const entries: Entry[] = [];
  const unpacker = new Unpacker({ tree, sink: again, warn: () => undefined });
  playTree(first.tree, first.sink, {
    entry(entry) {
      entries.push(entry);
      unpacker.entry(entry);
    },
    data: (chunk) => unpacker.data(chunk),
    hole: (lengthBytes) => unpacker.hole(lengthBytes),
    endFile: () => unpacker.endFile(),
    warn: (message) => unpacker.warn(message),
  });
  unpacker.finish();
  expect(manifestOfTree(tree, again)).toEqual(manifestOfTree(first.tree, first.sink));
  expect(again.usage().bytes).toBeLessThan(600_000);
  expect(entries.map((one) => one.type)).toEqual([
    "directory",
    "file",
    "file",
    "char",
    "directory",
    "hardlink",
    "symlink",
    "file",
    "hardlink",
  ]);
});
