import { expect, test } from "vitest";
import { isWickError } from "../../errors/index.ts";
import { utf8 } from "../../bytes/index.ts";
import { DirectoryWriter } from "./directory-writer.ts";
import { cutLeaves, levelSizes, NODE_LIMIT, ROOT_LIMIT } from "./htree.ts";
import { nameHash } from "./htree-hash.ts";

const SEED = [1, 2, 3, 4] as const;

test("the hash is that of debugfs dx_hash for the same seed", () => {
  // debugfs -R "dx_hash -h half_md4 -s 01000000-0200-0000-0300-000004000000 NAME"
  const theirs = {
    a: 0x6a3890ec,
    "lost+found": 0x807aea2a,
    "a name of more than thirty-two bytes, for two rounds": 0xc59fd5d6,
  };
  for (const [name, hash] of Object.entries(theirs)) expect(nameHash(utf8(name), SEED)).toBe(hash);
});

test("root and nodes hold what a block of 4096 bytes has room for", () => {
  expect(ROOT_LIMIT).toBe(507);
  expect(NODE_LIMIT).toBe(510);
});

test("a leaf that begins with the hash that the one before ended with says so", () => {
  expect(cutLeaves([2, 4, 4, 4, 6], [40, 40, 40, 40, 40], 80)).toEqual({
    starts: [0, 2, 4],
    hashes: [2, 4 + 1, 6],
  });
  expect(cutLeaves([2, 4, 6, 8], [40, 40, 40, 40], 80)).toEqual({ starts: [0, 2], hashes: [2, 6] });
});

test("an index has as many levels as its leaves need", () => {
  expect(levelSizes(507)).toEqual([507]);
  expect(levelSizes(508)).toEqual([508, 1]);
  expect(levelSizes(511)).toEqual([511, 2]);
  expect(levelSizes(ROOT_LIMIT * NODE_LIMIT)).toEqual([ROOT_LIMIT * NODE_LIMIT, ROOT_LIMIT]);
  expect(() => levelSizes(ROOT_LIMIT * NODE_LIMIT + 1)).toThrow(/index holds 258570/);
});

test("a directory that fits one block has no index, one entry more gives it one", () => {
  const blocksOf = (count: number): number => {
    let blocks = 0;
    const writer = new DirectoryWriter(SEED, () => void blocks++);
    const entries = Array.from({ length: count }, (_, i) => ({
      name: utf8(`${i}`.padStart(4, "0")), // 12 bytes an entry
      inode: 12 + i,
      fileType: 1,
    }));
    writer.write({ self: 2, parent: 2, entries, inodeSeed: 0 });
    return blocks;
  };
  const most = (4096 - 12 - 24) / 12;
  expect(blocksOf(Math.floor(most))).toBe(1);
  expect(blocksOf(Math.floor(most) + 1)).toBe(2); // `.` and `..` are in the root
});

test("names that no directory can hold are refused", () => {
  const writer = new DirectoryWriter(SEED, () => {});
  for (const name of [".", "..", "a/b", "a\0b", ""]) {
    const entries = [{ name: utf8(name), inode: 12, fileType: 1 }];
    try {
      writer.write({ self: 2, parent: 2, entries, inodeSeed: 0 });
      expect.unreachable(name);
    } catch (error) {
      expect(isWickError(error, "ARCHIVE_INVALID"), name).toBe(true);
    }
  }
});
