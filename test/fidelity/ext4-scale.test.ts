/** Large directories, many links, long files: beyond what one block or one extent holds. */
import { lstatSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { utf8, type Storage } from "../../src/bytes/index.ts";
import { createExt4, type Ext4Options } from "../../src/formats/ext4/index.ts";
import { nameHash, type HashSeed } from "../../src/formats/ext4/htree-hash.ts";
import { FileStorage } from "../../src/host/index.ts";
import { Tree } from "../../src/tree/index.ts";
import {
  buildExt4 as build,
  canMount,
  debugfs,
  dumpe2fs,
  e2fsck,
  kernelComplaints,
  mountImage,
  type Built,
} from "../support/ext4-image.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { TreeMaker } from "../support/tree-maker.ts";

/** Nothing here is compared as a whole. */
const buildExt4 = (fill: (make: TreeMaker) => void, options: Partial<Ext4Options> = {}): Built =>
  build(fill, { ...options, compare: false });

const MiB = 1 << 20;
const GiB = 2 ** 30;
const TiB = 2 ** 40;

/** The four words of s_hash_seed, as dumpe2fs prints them: a UUID, its bytes in disk order. */
function hashSeedOf(image: string): HashSeed {
  const uuid = /Directory Hash Seed: +(\S+)/.exec(dumpe2fs(image, "-h"))![1]!;
  const bytes = Buffer.from(uuid.replaceAll("-", ""), "hex");
  return [0, 4, 8, 12].map((at) => bytes.readInt32LE(at)) as unknown as HashSeed;
}

test("debugfs computes the same hash for ASCII names of every length", () => {
  const { path } = buildExt4(() => {});
  const seed = hashSeedOf(path);
  const uuid = /Directory Hash Seed: +(\S+)/.exec(dumpe2fs(path, "-h"))![1]!;
  const names = Array.from({ length: 255 }, (_, i) => `${i}-`.repeat(64).slice(0, i + 1));
  const output = debugfs(path, ...names.map((name) => `dx_hash -h half_md4 -s ${uuid} ${name}`));
  const theirs = [...output.matchAll(/^Hash of .* is (0x[0-9a-f]+)/gm)].map(([, hash]) =>
    Number(hash),
  );
  expect(theirs).toHaveLength(names.length);
  expect(names.map((name) => nameHash(utf8(name), seed))).toEqual(theirs);
});

test.skipIf(!canMount)("every one of 200,000 names in one directory is found by the kernel", () => {
  const count = 200_000;
  const name = (i: number): string => `a name of medium length, number ${i}`;
  const { path } = buildExt4((make) => {
    const directory = make.directory(Tree.ROOT, "d");
    for (let i = 0; i < count; i++) make.file(directory, name(i));
  });
  expect(e2fsck(path)).toMatchObject({ status: 0 });
  expect(debugfs(path, "htree_dump /d")).toContain("Indirect levels: 1");
  using mount = mountImage(path);
  for (let i = 0; i < count; i++) lstatSync(join(mount.root, "d", name(i)));
  expect(readdirSync(join(mount.root, "d"))).toHaveLength(count);
  expect(() => lstatSync(join(mount.root, "d", name(count)))).toThrow("ENOENT");
  expect(kernelComplaints(mount.device)).toEqual([]);
});

/** Two names of 250 bytes with one hash, and fillers with lower and higher ones. */
function collidingNames(seed: HashSeed): { low: string[]; pair: string[]; high: string[] } {
  const seen = new Map<number, string>();
  const name = (i: number): string => `${i}-`.padEnd(250, "n");
  for (let i = 0; ; i++) {
    const hash = nameHash(utf8(name(i)), seed);
    const other = seen.get(hash);
    if (other === undefined) {
      seen.set(hash, name(i));
      continue;
    }
    const rest = [...seen].filter(([, candidate]) => candidate !== other);
    const low = rest.filter(([at]) => at < hash).map(([, candidate]) => candidate);
    const high = rest.filter(([at]) => at > hash).map(([, candidate]) => candidate);
    return { low: low.slice(0, 40), pair: [other, name(i)], high: high.slice(0, 40) };
  }
}

test.skipIf(!canMount)("names with one hash are found on both sides of a leaf's end", () => {
  const { low, pair, high } = collidingNames(hashSeedOf(buildExt4(() => {}).path));
  let continued = 0;
  // A leaf holds 15 such names: with one of these numbers of names before it the pair is parted.
  for (let before = 14; before < 31; before++) {
    const names = [...low.slice(0, before), ...pair, ...high];
    const { path } = buildExt4((make) => {
      const directory = make.directory(Tree.ROOT, "d");
      for (const name of names) make.file(directory, name, name);
    });
    expect(e2fsck(path)).toMatchObject({ status: 0 });
    if (/Hash 0x[0-9a-f]*[13579bdf]\b/.test(debugfs(path, "htree_dump /d"))) continued++;
    using mount = mountImage(path);
    for (const name of names) expect(readFileSync(join(mount.root, "d", name), "utf8")).toBe(name);
  }
  expect(continued).toBe(2); // with 14 names before it, and with 29
});

test.skipIf(!canMount)("66,000 subdirectories count as one link", () => {
  const { path } = buildExt4((make) => {
    const directory = make.directory(Tree.ROOT, "d");
    for (let i = 0; i < 66_000; i++) make.directory(directory, `${i}`);
  });
  expect(e2fsck(path)).toMatchObject({ status: 0 });
  using mount = mountImage(path);
  expect(lstatSync(join(mount.root, "d")).nlink).toBe(1);
  expect(readdirSync(join(mount.root, "d"))).toHaveLength(66_000);
});

test.skipIf(!canMount)("more than 65,000 links to a file become a copy, and a warning", () => {
  const contents = [utf8("start"), 100_000, utf8("end"), 5_000];
  const { path, warnings } = buildExt4((make) => {
    const directory = make.directory(Tree.ROOT, "d");
    const ino = make.file(directory, "00000", contents);
    for (let i = 1; i < 65_001; i++) make.link(directory, `${i}`.padStart(5, "0"), ino);
    const exact = make.directory(Tree.ROOT, "e");
    const symlink = make.symlink(exact, "00000", "to");
    for (let i = 1; i < 65_000; i++) make.link(exact, `${i}`.padStart(5, "0"), symlink);
  });
  expect(e2fsck(path)).toMatchObject({ status: 0 });
  expect(warnings).toHaveLength(1);
  expect(warnings[0]).toContain('"/d/65000"');
  using mount = mountImage(path);
  const at = (name: string): string => join(mount.root, "d", name);
  expect(lstatSync(at("00000")).nlink).toBe(65_000);
  expect(lstatSync(at("65000"))).toMatchObject({ nlink: 1, size: 105_008 });
  expect(lstatSync(join(mount.root, "e", "64999")).nlink).toBe(65_000);
  expect(readFileSync(at("65000")).equals(readFileSync(at("00000")))).toBe(true);
  expect(lstatSync(at("65000")).blocks).toBe(lstatSync(at("00000")).blocks);
});

/** Writes all but the pieces of file data that are as long as `dropped`: they stay holes. */
class DataDropper implements Storage {
  readonly #file: FileStorage;
  readonly #dropped: number;
  isDropping = true;

  constructor(file: FileStorage, dropped: number) {
    this.#file = file;
    this.#dropped = dropped;
  }

  get sizeBytes(): number {
    return this.#file.sizeBytes;
  }

  readAt(target: Uint8Array, position: number): number {
    return this.#file.readAt(target, position);
  }

  writeAt(bytes: Uint8Array, position: number): void {
    if (this.isDropping && bytes.length >= this.#dropped) return;
    this.#file.writeAt(bytes, position);
  }

  setSize(sizeBytes: number): void {
    this.#file.setSize(sizeBytes);
  }
}

test("files of more than 512 MiB, 4 GiB and 42.5 GiB have valid extent trees", () => {
  const path = join(temporaryDirectory(), "image");
  using file = new FileStorage(path, "create");
  const storage = new DataDropper(file, MiB);
  const writer = createExt4(storage, { journal: true, uuid: new Uint8Array(16), warn() {} });
  const make = new TreeMaker(writer.sink);
  const piece = new Uint8Array(16 * MiB).fill(0x55);
  for (const size of [513 * MiB, 4 * GiB + MiB, 45 * GiB]) {
    make.file(
      Tree.ROOT,
      `${size}`,
      Array.from({ length: size / piece.length }, () => piece),
    );
  }
  storage.isDropping = false;
  const { blocks } = writer.finish(make.tree);
  expect(blocks * 4096).toBeGreaterThan(60 * GiB);
  expect(e2fsck(path)).toMatchObject({ status: 0 });
  expect(debugfs(path, `ex /${45 * GiB}`)).toMatch(/^ 1\/ 1/m);
});

test("4,000 pieces make an extent tree of three levels", () => {
  const block = new Uint8Array(4096).fill(1);
  const { path } = buildExt4((make) => {
    make.file(
      Tree.ROOT,
      "f",
      Array.from({ length: 8000 }, (_, i) => (i % 2 === 0 ? block : 4096)),
    );
  });
  expect(e2fsck(path)).toMatchObject({ status: 0 });
  expect(debugfs(path, "ex /f")).toMatch(/^ 2\/ 2/m);
});

test.skipIf(!canMount)(
  "1 TiB of hole takes no room, and a block at 15 TiB is where it was put",
  () => {
    const built = buildExt4(
      (make) => {
        make.file(Tree.ROOT, "hole", [TiB]);
        make.file(Tree.ROOT, "far", [15 * TiB, utf8("here")]);
      },
      { sizeBytes: "min" },
    );
    expect(built.summary.sizeBytes).toBeLessThan(MiB);
    expect(e2fsck(built.path)).toMatchObject({ status: 0 });
    using mount = mountImage(built.path);
    const at = (name: string): string => join(mount.root, name);
    expect(lstatSync(at("hole"))).toMatchObject({ size: TiB, blocks: 0 });
    expect(lstatSync(at("far"))).toMatchObject({ size: 15 * TiB + 4, blocks: 8 });
    using far = new FileStorage(at("far"), "read");
    const tail = new Uint8Array(10);
    expect(far.readAt(tail, 15 * TiB - 6)).toBe(10);
    expect(Buffer.from(tail).toString("latin1")).toBe("\0\0\0\0\0\0here");
  },
);

test("a file beyond 16 TiB is refused", () => {
  expect(() => buildExt4((make) => make.file(Tree.ROOT, "f", [16 * TiB]))).toThrow(/16 TiB/);
});
