import { expect, test } from "vitest";
import { utf8 } from "../bytes/index.ts";
import { DEFAULT_DIRECTORY, Tree } from "./tree.ts";

const ROOT = Tree.ROOT;

function milliseconds(work: () => void): number {
  const start = performance.now();
  work();
  return performance.now() - start;
}

function wideTree(count: number): Tree {
  const tree = new Tree();
  const directory = tree.create(ROOT, utf8("d"), "directory", DEFAULT_DIRECTORY);
  for (let i = 0; i < count; i++) tree.create(directory, utf8(`f${i}`), "file", DEFAULT_DIRECTORY);
  return tree;
}

test("removing a directory of 200,000 names is linear and tells of each file", () => {
  const removed: number[] = [];
  const tree = wideTree(200_000);
  const time = milliseconds(() => tree.remove(ROOT, utf8("d"), (ino) => removed.push(ino)));
  expect(removed).toHaveLength(200_000);
  expect(tree.nameCount).toBe(0);
  // Walking a list for each name would be 2 * 10^10 steps.
  expect(time).toBeLessThan(20_000);
});

test("replacing each name of a large directory in order takes linear time", () => {
  const tree = wideTree(100_000);
  const directory = tree.lookup(ROOT, utf8("d"));
  const time = milliseconds(() => {
    for (let i = 0; i < 100_000; i++) {
      tree.remove(directory, utf8(`f${i}`));
      tree.create(directory, utf8(`f${i}`), "file", DEFAULT_DIRECTORY);
    }
  });
  expect(tree.nameCount).toBe(100_001);
  expect(time).toBeLessThan(20_000);
});

test("an inode with several names goes with the last one", () => {
  const tree = new Tree();
  const a = tree.create(ROOT, utf8("a"), "file", DEFAULT_DIRECTORY);
  tree.link(ROOT, utf8("b"), a);
  expect(tree.inodes.nameCount(a)).toBe(2);
  const gone: number[] = [];
  tree.remove(ROOT, utf8("b"), (ino) => gone.push(ino));
  expect([tree.inodes.nameCount(a), gone]).toEqual([1, []]);
  expect(tree.nameOf(a)?.name).toEqual(utf8("a"));
  tree.remove(ROOT, utf8("a"), (ino) => gone.push(ino));
  expect(gone).toEqual([a]);
  expect(tree.nameOf(a)).toBeUndefined();
});

test("replacing a directory by a file below it keeps the file and drops the rest", () => {
  const tree = new Tree();
  const d = tree.create(ROOT, utf8("d"), "directory", DEFAULT_DIRECTORY);
  const kept = tree.create(d, utf8("kept"), "file", DEFAULT_DIRECTORY);
  const lost = tree.create(d, utf8("lost"), "file", DEFAULT_DIRECTORY);
  const gone: number[] = [];
  tree.replace(ROOT, utf8("d"), kept, (ino) => gone.push(ino));
  expect(gone).toEqual([lost]);
  expect(tree.inodes.nameCount(kept)).toBe(1);
  expect(tree.list(ROOT).map((entry) => entry.ino)).toEqual([kept]);
  expect(tree.isAttached(d)).toBe(false);
});

test("names of 255 bytes are good, of 256 and of none an error", () => {
  const tree = new Tree();
  tree.create(ROOT, utf8("n".repeat(255)), "file", DEFAULT_DIRECTORY);
  for (const name of ["n".repeat(256), ""]) {
    expect(() => tree.create(ROOT, utf8(name), "file", DEFAULT_DIRECTORY)).toThrow("1 to 255");
  }
  expect(tree.inodes.count).toBe(2);
});

test("a walk goes through a chain of 100,000 directories in order", () => {
  const tree = new Tree();
  let at = ROOT;
  for (let i = 0; i < 100_000; i++) at = tree.create(at, utf8("d"), "directory", DEFAULT_DIRECTORY);
  let count = 0;
  let inOrder = true;
  for (const { ino } of tree.walk()) inOrder &&= ino === ++count;
  expect(inOrder).toBe(true);
  expect(count).toBe(100_000);
  expect(tree.isAttached(at)).toBe(true);
  tree.remove(ROOT, utf8("d"));
  expect(tree.isAttached(at)).toBe(false);
  expect(tree.nameCount).toBe(0);
});

test("a million inodes with names take little memory, all of it columns", () => {
  const before = process.memoryUsage();
  const tree = new Tree();
  for (let d = 0; d < 1000; d++) {
    const directory = tree.create(ROOT, utf8(`directory ${d}`), "directory", DEFAULT_DIRECTORY);
    for (let i = 0; i < 1000; i++) {
      tree.create(directory, utf8(`a file's name ${i}`), "file", DEFAULT_DIRECTORY);
    }
  }
  const after = process.memoryUsage();
  expect(tree.nameCount).toBe(1_001_000);
  // Measured 2026-11: 112 MB of columns. Old columns may still wait for the collector.
  expect(after.arrayBuffers - before.arrayBuffers).toBeLessThan(300e6);
  expect(after.rss - before.rss).toBeLessThan(400e6);
});
