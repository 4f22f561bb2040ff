/** Images of every size: around group boundaries, too small, grown, crashed. */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFileSync, readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { isWickError } from "../../src/errors/index.ts";
import { Tree } from "../../src/tree/index.ts";
import {
  buildExt4,
  canMount,
  dumpe2fs,
  e2fsck,
  e2fsckRepair,
  kernelManifest,
  mountImage,
  resize2fs,
} from "../support/ext4-image.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import type { TreeMaker } from "../support/tree-maker.ts";

const BLOCK = 4096;
const GROUP = 32768;
const MiB = 1 << 20;

function someFiles(make: TreeMaker): void {
  const directory = make.directory(Tree.ROOT, "d");
  for (let i = 0; i < 300; i++) make.file(directory, `f${i}`, `${i}\n`.repeat(i * 10));
}

const sha256 = (path: string): string =>
  createHash("sha256").update(readFileSync(path)).digest("hex");

const blockCount = (path: string): number =>
  Number(/^Block count: +(\d+)/m.exec(dumpe2fs(path, "-h"))![1]);

/** mke2fs with the features of our images. */
function mke2fs(blocks: number): string {
  const path = join(temporaryDirectory(), "theirs");
  writeFileSync(path, "");
  truncateSync(path, blocks * BLOCK);
  const features =
    "none,has_journal,ext_attr,dir_index,filetype,extent,64bit,flex_bg,sparse_super,large_file,huge_file,dir_nlink,extra_isize,metadata_csum";
  execFileSync("mke2fs", [
    "-q",
    "-F",
    "-t",
    "ext4",
    "-b",
    "4096",
    "-I",
    "256",
    "-i",
    "16384",
    "-m",
    "0",
    "-O",
    features,
    path,
  ]);
  return path;
}

const around = [1, 2, 3, 7, 16].flatMap((groups) =>
  [-1, 0, 1, 50, 564, 600, 700].map((more) => groups * GROUP + more),
);

test("sizes around group boundaries give the block count of mke2fs, and are clean", () => {
  for (const blocks of around) {
    const { path, summary } = buildExt4(someFiles, { sizeBytes: blocks * BLOCK, journal: true });
    expect(e2fsck(path), `${blocks} blocks`).toMatchObject({ status: 0 });
    expect(summary.blocks, `${blocks} blocks`).toBe(blockCount(mke2fs(blocks)));
    expect(statSync(path).size).toBe(blocks * BLOCK);
  }
});

test("the smallest image is clean, and one block less is refused with the size needed", () => {
  for (const journal of [true, false]) {
    const { summary, path } = buildExt4(someFiles, {
      sizeBytes: "min",
      journal,
      expectedBytes: MiB,
    });
    expect(e2fsck(path)).toMatchObject({ status: 0 });
    const least = neededFor(summary.sizeBytes - BLOCK, journal);
    expect(least).toBeGreaterThan(summary.sizeBytes - 20 * BLOCK);
    expect(neededFor(least, journal)).toBe(least);
    expect(neededFor(least - BLOCK, journal)).toBe(least);
  }
});

/** The size that a refusal states; the given one when it is not refused. */
function neededFor(sizeBytes: number, journal: boolean): number {
  try {
    const { path } = buildExt4(someFiles, { sizeBytes, journal });
    expect(e2fsck(path)).toMatchObject({ status: 0 });
    return sizeBytes;
  } catch (error) {
    if (!isWickError(error, "IMAGE_TOO_SMALL")) throw error;
    return Number(/(\d+) bytes are needed/.exec(error.message)![1]);
  }
}

test("the smallest images of trees of every size are clean", () => {
  for (let files = 0; files < 400; files += 23) {
    const { path } = buildExt4(
      (make) => {
        for (let i = 0; i < files; i++) make.file(Tree.ROOT, `f${i}`, "x".repeat(i * 50));
      },
      { sizeBytes: "min" },
    );
    expect(e2fsck(path), `${files} files`).toMatchObject({ status: 0 });
  }
});

test("an empty tree makes an image of a few blocks", () => {
  const { path, summary } = buildExt4(() => {}, { sizeBytes: "min", expectedBytes: 0 });
  expect(summary.blocks).toBeLessThan(16);
  expect(e2fsck(path)).toMatchObject({ status: 0 });
});

test("without a size there are 256 MiB to spare, and they are holes", () => {
  const { path, summary } = buildExt4(someFiles);
  expect(summary.freeBlocks * BLOCK).toBeGreaterThan(250 * MiB);
  expect(statSync(path).blocks * 512).toBeLessThan(4 * MiB);
});

test("an image of 2 TiB is clean and takes a few megabytes", () => {
  const { path, summary } = buildExt4(someFiles, { sizeBytes: 2 ** 41, journal: true });
  expect(summary.blocks).toBe(2 ** 29);
  expect(statSync(path).blocks * 512).toBeLessThan(100 * MiB);
  expect(e2fsck(path)).toMatchObject({ status: 0 });
});

test("an image of 16 TiB less one block can be made, a larger one cannot", () => {
  const { path, summary } = buildExt4(someFiles, { sizeBytes: 2 ** 44 - BLOCK });
  expect(summary.blocks).toBe(2 ** 32 - 1);
  expect(blockCount(path)).toBe(2 ** 32 - 1);
  expect(() => buildExt4(someFiles, { sizeBytes: 2 ** 44 + BLOCK })).toThrow(/up to 16 TiB/);
});

test("two builds are the same bytes, and another UUID gives others", () => {
  const options = { journal: true, label: "same", sizeBytes: 32 * MiB };
  const one = buildExt4(someFiles, options);
  const two = buildExt4(someFiles, options);
  expect(sha256(one.path)).toBe(sha256(two.path));
  const other = buildExt4(someFiles, { ...options, uuid: () => new Uint8Array(16).fill(9) });
  expect(sha256(other.path)).not.toBe(sha256(one.path));
});

/** A piece of data that differs from every other. */
function piece(index: number): Uint8Array {
  const bytes = new Uint8Array(4 * MiB).fill(index + 1);
  new DataView(bytes.buffer).setUint32(0, index);
  return bytes;
}

test.skipIf(!canMount)("data that cross the groups with superblock copies come back", () => {
  const built = buildExt4(
    (make) => {
      const pieces = Array.from({ length: 40 }, (_, i) => piece(i));
      make.file(Tree.ROOT, "one", pieces);
      for (let i = 40; i < 110; i++) make.file(Tree.ROOT, `f${i}`, piece(i));
      make.setContents(make.tree.lookup(Tree.ROOT, Buffer.from("one")), pieces.toReversed());
      for (let i = 110; i < 140; i++) make.file(Tree.ROOT, `f${i}`, piece(i));
    },
    { sizeBytes: "min" },
  );
  // 140 pieces of 4 MiB, 40 of them written twice; the first copy's blocks were used again.
  expect(built.summary.sizeBytes).toBeLessThan(620 * MiB);
  expect(e2fsck(built.path)).toMatchObject({ status: 0 });
  using mount = mountImage(built.path);
  expect(kernelManifest(mount.root)).toEqual(built.expected());
});

test.skipIf(!canMount)("an image at rest grows and shrinks", () => {
  const built = buildExt4(someFiles, { sizeBytes: 512 * MiB, journal: true });
  for (const size of ["20G", "300M"]) {
    expect(resize2fs(built.path, size)).toMatchObject({ status: 0 });
    expect(e2fsck(built.path)).toMatchObject({ status: 0 });
    using mount = mountImage(built.path);
    expect(kernelManifest(mount.root)).toEqual(built.expected());
  }
});

test.skipIf(!canMount)("a crash with a journal is repaired by replay", () => {
  const built = buildExt4(someFiles, { sizeBytes: 256 * MiB, journal: true });
  const copy = `${built.path}.crashed`;
  {
    using mount = mountImage(built.path, { writable: true });
    const script =
      "mkdir new; for i in $(seq 2000); do echo $i > new/$i; done; sync -f .; rm new/1*";
    execFileSync("sh", ["-c", script], { cwd: mount.root });
    copyFileSync(built.path, copy);
  }
  expect(dumpe2fs(copy)).toMatch(/Filesystem features:.*needs_recovery/);
  const repair = e2fsckRepair(copy);
  expect(repair.output).toContain("recovering journal");
  expect(repair.status).toBeLessThan(2);
  expect(repair.output).not.toMatch(/corrupt|bad block|Clear\?/i);
  expect(e2fsck(copy)).toMatchObject({ status: 0 });
  using mount = mountImage(copy);
  const before = new Set(built.expected().filter((line) => line.startsWith("/d")));
  const after = new Set(kernelManifest(mount.root));
  expect([...before].filter((line) => !after.has(line))).toEqual([]);
});
