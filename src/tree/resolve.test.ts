import { expect, test } from "vitest";
import { utf8 } from "../bytes/index.ts";
import { withoutDotDot } from "./archive-path.ts";
import { directoryAt, findPath, pathOf, placeFor, resolve } from "./resolve.ts";
import { DEFAULT_DIRECTORY, Tree } from "./tree.ts";

const text = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString("latin1");

/** A tree of directories (`a/`), files (`a/b`) and symlinks (`a/l -> target`). */
function treeOf(...lines: readonly string[]): Tree {
  const tree = new Tree();
  for (const line of lines) {
    const [path = "", target] = line.split(" -> ");
    if (path.endsWith("/")) {
      directoryAt(tree, path);
      continue;
    }
    const { directory, name } = placeFor(tree, path);
    const kind = target === undefined ? "file" : "symlink";
    const ino = tree.create(directory, name, kind, DEFAULT_DIRECTORY);
    if (target !== undefined) tree.inodes.setTarget(ino, utf8(target));
  }
  return tree;
}

const at = (tree: Tree, path: string, follow: "all" | "parents" = "all"): string =>
  text(pathOf(tree, resolve(tree, path, { follow })));

test("all ways to write a path lead to one node", () => {
  const tree = treeOf("a/b/c");
  for (const path of [
    "a/b/c",
    "/a/b/c",
    "./a/b/c",
    "a//b///c",
    "a/./b/./c",
    "a/b/c/",
    "a/b/c/.",
    "a/b/../b/c",
  ]) {
    expect(at(tree, path)).toBe("/a/b/c");
  }
  for (const path of ["", "/", ".", "./", "/..", "a/..", "a/../.."])
    expect(at(tree, path)).toBe("/");
});

test("symlinks are followed inside the root, absolute and relative, last ones when asked", () => {
  const tree = treeOf(
    "usr/sbin/init",
    "sbin -> usr/sbin",
    "abs -> /usr/sbin",
    "usr/up -> ../../../sbin",
    "l -> sbin/init",
  );
  for (const path of ["sbin/init", "abs/init", "usr/up/init", "l", "sbin/../sbin/init"]) {
    expect(at(tree, path)).toBe("/usr/sbin/init");
  }
  expect(at(tree, "l", "parents")).toBe("/l");
  expect(at(tree, "sbin/../..", "parents")).toBe("/");
  expect(at(tree, "sbin/..")).toBe("/usr");
});

test("A8: 40 symlinks in one path are good, the 41st is a loop", () => {
  const chain = Array.from({ length: 41 }, (_, i) => `l${i} -> l${i + 1}`);
  const tree = treeOf(...chain, "l41");
  expect(at(tree, "l1")).toBe("/l41");
  expect(() => resolve(tree, "l0", { follow: "all" })).toThrow(
    expect.objectContaining({ code: "PATH_LOOP" }),
  );
  expect(at(tree, "l0", "parents")).toBe("/l0");
});

test("symlinks in a circle are an error everywhere, not a hang", () => {
  const tree = treeOf("a -> b", "b -> a", "self -> self/x", "usr/");
  for (const path of ["a", "a/x", "self", "self/y"]) {
    expect(() => findPath(tree, path)).toThrow(expect.objectContaining({ code: "PATH_LOOP" }));
  }
  expect(() => placeFor(tree, "a/x")).toThrow(expect.objectContaining({ code: "PATH_LOOP" }));
});

test("what is not there is -1 for findPath and an error for resolve", () => {
  const tree = treeOf("a/file", "dangling -> nowhere/x");
  for (const path of ["b", "a/b", "b/c/d", "dangling", "dangling/x", "n".repeat(300)]) {
    expect(findPath(tree, path)).toBe(-1);
    expect(() => resolve(tree, path, { follow: "all" })).toThrow(
      expect.objectContaining({ code: "PATH_NOT_FOUND" }),
    );
  }
  expect(findPath(tree, "a/file/x")).toBe(-1);
  expect(() => resolve(tree, "a/file/x", { follow: "all" })).toThrow(
    expect.objectContaining({ code: "PATH_CONFLICT" }),
  );
});

test("a place is found through symlinked parents, dangling ones are made to lead somewhere", () => {
  const tree = treeOf("usr/", "sbin -> usr/sbin", "run -> /var/run/deep", "usr/x -> ../../../etc");
  const put = (path: string): string => {
    const { directory, name } = placeFor(tree, path);
    return text(pathOf(tree, tree.create(directory, name, "file", DEFAULT_DIRECTORY)));
  };
  expect(put("/sbin/init")).toBe("/usr/sbin/init");
  expect(put("run/pid")).toBe("/var/run/deep/pid");
  expect(put("usr/x/passwd")).toBe("/etc/passwd");
  expect(tree.inodes.metadata(findPath(tree, "/var/run"))).toEqual(DEFAULT_DIRECTORY);
});

test("a place at a symlink is the symlink itself, or where it points when all are followed", () => {
  const tree = treeOf("sbin/init -> /bin/busybox", "bin/busybox");
  expect(placeFor(tree, "sbin/init").ino).toBe(findPath(tree, "sbin/init", { follow: "parents" }));
  expect(placeFor(tree, "sbin/init", { follow: "all" }).ino).toBe(findPath(tree, "bin/busybox"));
  expect(() => placeFor(tree, "bin/busybox/x")).toThrow(
    expect.objectContaining({ code: "PATH_CONFLICT" }),
  );
  expect(() => directoryAt(tree, "bin/busybox")).toThrow(
    expect.objectContaining({ code: "PATH_CONFLICT" }),
  );
});

test("A8: a path of 100,000 components is made, found and removed in linear time", () => {
  const tree = new Tree();
  const path = "d/".repeat(100_000);
  const start = performance.now();
  const ino = directoryAt(tree, path);
  expect(findPath(tree, path)).toBe(ino);
  expect(text(pathOf(tree, ino))).toBe(`/${path.slice(0, -1)}`);
  tree.remove(Tree.ROOT, utf8("d"));
  expect(performance.now() - start).toBeLessThan(20_000);
});

test("an archive's `..` is taken out by the text, and may not leave the root", () => {
  const clean = (path: string): string => text(withoutDotDot(utf8(path)));
  expect(
    ["a/../b", "./a/./../b", "a/b/../../c/", "x/..", "..a/b..", "a/...", "a//../b"].map(clean),
  ).toEqual(["b", "b", "c", "", "..a/b..", "a/...", "b"]);
  for (const path of ["..", "../x", "/..", "a/../../x", "a/../..", "./../x"]) {
    expect(() => clean(path)).toThrow(expect.objectContaining({ code: "PATH_ESCAPES" }));
  }
});
