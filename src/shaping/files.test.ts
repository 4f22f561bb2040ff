import { expect, test } from "vitest";
import { codeOf } from "../../test/support/failures.ts";
import { utf8 } from "../bytes/index.ts";
import { findPath, MemorySink, Tree } from "../tree/index.ts";
import { addFile, addSymlink, ensureDirectory, readFile, removePath } from "./files.ts";
import { listing, text } from "../../test/support/trees.ts";

function fresh() {
  return { tree: new Tree(), sink: new MemorySink() };
}

test("a file is added with its missing parents and read back", () => {
  const { tree, sink } = fresh();
  addFile(tree, sink, "/srv/www/index.html", utf8("hello"), {
    mtime: { seconds: 7, nanoseconds: 0 },
  });
  expect(text(readFile(tree, sink, "srv//www/./index.html", 5))).toBe("hello");
  expect(listing(tree)).toEqual([
    "directory 0755 0:0 7 /srv",
    "directory 0755 0:0 7 /srv/www",
    "file 0644 0:0 7 /srv/www/index.html",
  ]);
});

test("a replaced file's place is discarded, its other names keep the contents", () => {
  const { tree, sink } = fresh();
  addFile(tree, sink, "/a", utf8("one"));
  addFile(tree, sink, "/a", utf8("second"));
  expect(sink.usage()).toEqual({ places: 1, bytes: 6 });
  const second = addFile(tree, sink, "/b", utf8("shared"));
  tree.link(Tree.ROOT, utf8("c"), second);
  addFile(tree, sink, "/b", utf8("new"));
  expect(sink.usage()).toEqual({ places: 3, bytes: 15 });
  expect(text(readFile(tree, sink, "/c", 99))).toBe("shared");
});

test("symbolic links in the path are followed inside the root, the last one too", () => {
  const { tree, sink } = fresh();
  addSymlink(tree, sink, "/sbin", "usr/sbin");
  addSymlink(tree, sink, "/etc/resolv.conf", "../../../run/resolve/stub.conf");
  addSymlink(tree, sink, "/absolute", "/usr/../opt");
  addFile(tree, sink, "/usr/x", utf8(""));
  ensureDirectory(tree, "/usr/sbin");
  addFile(tree, sink, "/sbin/init", utf8("i"));
  addFile(tree, sink, "/etc/resolv.conf", utf8("r"));
  addFile(tree, sink, "/absolute/tool", utf8("t"));
  expect(text(readFile(tree, sink, "/usr/sbin/init", 9))).toBe("i");
  expect(text(readFile(tree, sink, "/run/resolve/stub.conf", 9))).toBe("r");
  expect(text(readFile(tree, sink, "/opt/tool", 9))).toBe("t");
});

test("a link at the end gives way when asked to", () => {
  const { tree, sink } = fresh();
  addSymlink(tree, sink, "/a", "b");
  addFile(tree, sink, "/a", utf8("x"), { link: "replace" });
  expect(listing(tree)).toEqual(["file 0644 0:0 0 /a"]);
});

test("a loop of links, a file as parent and a directory in the way are errors", () => {
  const { tree, sink } = fresh();
  addSymlink(tree, sink, "/a", "b");
  addSymlink(tree, sink, "/b", "/a");
  addFile(tree, sink, "/file", utf8("x"));
  ensureDirectory(tree, "/d");
  expect(codeOf(() => addFile(tree, sink, "/a", utf8("")))).toBe("PATH_LOOP");
  expect(codeOf(() => addFile(tree, sink, "/a/x", utf8("")))).toBe("PATH_LOOP");
  expect(codeOf(() => addFile(tree, sink, "/file/x", utf8("")))).toBe("PATH_CONFLICT");
  expect(codeOf(() => addFile(tree, sink, "/d", utf8("")))).toBe("PATH_CONFLICT");
  expect(codeOf(() => ensureDirectory(tree, "/file"))).toBe("PATH_CONFLICT");
  expect(codeOf(() => readFile(tree, sink, "/d", 9))).toBe("PATH_CONFLICT");
});

test("40 links in a row are followed, 41 are not", () => {
  const { tree, sink } = fresh();
  addFile(tree, sink, "/l0", utf8("end"));
  for (let i = 1; i <= 41; i++) addSymlink(tree, sink, `/l${i}`, `l${i - 1}`);
  expect(text(readFile(tree, sink, "/l40", 9))).toBe("end");
  expect(codeOf(() => readFile(tree, sink, "/l41", 9))).toBe("PATH_LOOP");
});

test("a file over the limit is not read, a missing one is undefined", () => {
  const { tree, sink } = fresh();
  addFile(tree, sink, "/etc/passwd", utf8("12345"));
  expect(codeOf(() => readFile(tree, sink, "/etc/passwd", 4))).toBe("VALUE_OUT_OF_RANGE");
  expect(readFile(tree, sink, "/etc/group", 4)).toBeUndefined();
});

test("a path is removed with what is below it and its bytes discarded", () => {
  const { tree, sink } = fresh();
  addFile(tree, sink, "/d/a", utf8("1"));
  addFile(tree, sink, "/d/e/b", utf8("2"));
  addSymlink(tree, sink, "/link", "d");
  expect(removePath(tree, sink, "/link")).toBe(true);
  expect(removePath(tree, sink, "/d")).toBe(true);
  expect(removePath(tree, sink, "/d")).toBe(false);
  expect([listing(tree), sink.usage().places, findPath(tree, "/")]).toEqual([[], 0, 0]);
});
