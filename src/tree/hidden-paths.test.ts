import { expect, test } from "vitest";
import { utf8 } from "../bytes/index.ts";
import { HiddenPaths, HIDES } from "./hidden-paths.ts";

function hidden(...paths: readonly (readonly [string, number])[]): (path: string) => boolean {
  const all = new HiddenPaths();
  for (const [path, bits] of paths) all.add(utf8(path), bits);
  all.endLayer();
  return (path) => all.hides(utf8(path));
}

test("a path hides itself, what is below it, or both, however it is written", () => {
  const hides = hidden(["./a//b/", HIDES.both], ["c", HIDES.itself], ["/d/.", HIDES.below]);
  for (const path of ["a/b", "/a/b", "a/./b/", "a/b/x", "a/b/x/y", "c", "d/x", "./d//x"]) {
    expect(hides(path), path).toBe(true);
  }
  for (const path of ["a", "a/bb", "ab", "a/c", "c/x", "d", "b", "x/a/b", ".", "/"]) {
    expect(hides(path), path).toBe(false);
  }
});

test("a layer does not hide its own files, those below see all that has ended", () => {
  const all = new HiddenPaths();
  all.add(utf8("a"), HIDES.both);
  expect(all.hides(utf8("a"))).toBe(false);
  all.endLayer();
  all.add(utf8("b"), HIDES.itself);
  expect([all.hides(utf8("a")), all.hides(utf8("b"))]).toEqual([true, false]);
  all.endLayer();
  all.add(utf8("b"), HIDES.below);
  all.endLayer();
  expect([all.hides(utf8("b")), all.hides(utf8("b/c"))]).toEqual([true, true]);
});

test("an opaque root hides everything, itself nothing", () => {
  expect(hidden(["", HIDES.below])("a")).toBe(true);
  expect(hidden(["./", HIDES.below])("a/b")).toBe(true);
  expect(hidden(["./", HIDES.itself])("a/b")).toBe(false);
});

test("200,000 paths are found again, and 200,000 others are not", () => {
  const all = new HiddenPaths();
  for (let i = 0; i < 200_000; i++) all.add(utf8(`usr/share/${i % 100}/file ${i}`), HIDES.itself);
  all.endLayer();
  let found = 0;
  let wrong = 0;
  for (let i = 0; i < 200_000; i++) {
    if (all.hides(utf8(`usr/share/${i % 100}/file ${i}`))) found++;
    if (all.hides(utf8(`usr/share/${i % 100}/File ${i}`))) wrong++;
  }
  expect(found).toBeGreaterThan(199_900);
  expect(wrong).toBe(0);
});
