/** fsck.erofs finds nothing to complain about, and kernel and reader give back everything that went in. */
import { execFileSync } from "node:child_process";
import {
  copyFileSync,
  linkSync,
  mkdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { openErofs } from "../../src/formats/erofs/index.ts";
import { superblock } from "../../src/formats/erofs/layout.ts";
import { FileStorage } from "../../src/host/index.ts";
import { Tree } from "../../src/tree/index.ts";
import { buildErofs, dumpErofs, fsckErofs, mountReadOnly } from "../support/erofs-image.ts";
import {
  buildExt4,
  canMount,
  flipBytes,
  kernelComplaints,
  kernelManifest,
  mountImage,
} from "../support/ext4-image.ts";
import { grow, plan } from "../support/generated-trees.ts";
import { imageManifest } from "../support/image-manifest.ts";
import { random, trees } from "../support/sample-trees.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { xattr, type TreeMaker } from "../support/tree-maker.ts";

function readerManifest(path: string): string[] {
  using storage = new FileStorage(path, "read");
  return imageManifest(openErofs(storage));
}

for (const [name, fill] of Object.entries(trees)) {
  test(`the tree "${name}" in EROFS is clean, and is what the reader reads`, () => {
    const built = buildErofs(fill);
    expect(fsckErofs(built.path)).toMatchObject({ status: 0 });
    expect(readerManifest(built.path)).toEqual(built.expected());
    expect(built.warnings).toEqual([]);
  });

  test.skipIf(!canMount)(`the tree "${name}" in EROFS is what the kernel reads`, () => {
    const built = buildErofs(fill);
    using mount = mountReadOnly(built.path, "erofs");
    expect(kernelManifest(mount.root)).toEqual(built.expected());
    expect(kernelComplaints(mount.device)).toEqual([]);
  });

  test.skipIf(!canMount)(`the tree "${name}" is the same in EROFS and in ext4`, () => {
    using erofs = mountReadOnly(buildErofs(fill, { compare: false }).path, "erofs");
    using ext4 = mountImage(buildExt4(fill, { compare: false }).path);
    const isOwn = (line: string): boolean => /^\/(lost\+found)?\|/.test(line); // ext4 makes one
    const lines = (root: string): string[] => kernelManifest(root).filter((line) => !isOwn(line));
    expect(lines(erofs.root)).toEqual(lines(ext4.root));
  });
}

test("fsck.erofs and the reader are content with every tree", () => {
  fc.assert(
    fc.property(plan, (nodes) => {
      const built = buildErofs((make) => grow(make, nodes));
      const { status, output } = fsckErofs(built.path);
      expect(status, output).toBe(0);
      expect(readerManifest(built.path)).toEqual(built.expected());
    }),
    { numRuns: 40, seed: 1 },
  );
});

test.skipIf(!canMount)("the kernel reads every tree back from EROFS", () => {
  fc.assert(
    fc.property(plan, (nodes) => {
      const built = buildErofs((make) => grow(make, nodes));
      using mount = mountReadOnly(built.path, "erofs");
      expect(kernelManifest(mount.root)).toEqual(built.expected());
      expect(kernelComplaints(mount.device)).toEqual([]);
    }),
    { numRuns: 25, seed: 2 },
  );
});

/** Files at both sides of every limit: tails, attributes between inode and tail, runs of zeros. */
function limits(make: TreeMaker): void {
  const files = make.directory(Tree.ROOT, "files");
  for (const size of [4031, 4032, 4033, 8191, 8192, 12_000]) {
    for (const length of [0, 1, 30, 3000, 4000, 20_000]) {
      const xattrs = length === 0 ? [] : [xattr("user.a", random(length))];
      make.file(files, `${size} and ${length}`, random(size), { xattrs });
      if (size === 4032) make.symlink(files, `to ${length}`, "t".repeat(4000), { xattrs: [] });
    }
  }
  for (const length of [31, 100, 3000]) {
    const trusted = [xattr("trusted.a", random(length))];
    make.symlink(files, `symlink with ${length}`, "t".repeat(1000), { xattrs: trusted });
  }
  const directory = make.directory(Tree.ROOT, "directory", {
    xattrs: [xattr("user.long", random(4500))],
  });
  for (let i = 0; i < 150; i++) make.file(directory, `${i}`, `${i}`);
  const zeros = make.directory(Tree.ROOT, "zeros");
  const MIB = 1 << 20;
  make.file(zeros, "a megabyte", new Uint8Array(MIB));
  make.file(zeros, "sixteen less one block", [16 * MIB - 4096]);
  make.file(zeros, "sixteen", [16 * MIB]);
  make.file(zeros, "sixteen and one", [16 * MIB + 1]);
  make.file(zeros, "between", [random(5000), 20 * MIB + 1234, random(70_000), 17 * MIB, random(5)]);
  make.file(zeros, "before", [40 * MIB + 100, random(100_000)], {
    xattrs: [xattr("user.x", random(200))],
  });
  make.file(zeros, "behind", [random(100_000), 40 * MIB + 100]);
  make.file(zeros, "written", new Uint8Array(20 * MIB));
  make.file(zeros, "table over a block", [random(10), 1200 * MIB, random(10)]);
}

test("files at both sides of every limit are clean, and are what the reader reads", () => {
  const built = buildErofs(limits);
  expect(fsckErofs(built.path)).toMatchObject({ status: 0 });
  expect(readerManifest(built.path)).toEqual(built.expected());
});

test.skipIf(!canMount)("files at both sides of every limit are what the kernel reads", () => {
  const built = buildErofs(limits);
  using mount = mountReadOnly(built.path, "erofs");
  expect(kernelManifest(mount.root)).toEqual(built.expected());
  expect(kernelComplaints(mount.device)).toEqual([]);
});

test("a file of 1 GiB of zeros takes 64 KiB of addresses, and tells that kernel 5.15 is needed", () => {
  const { path, summary } = buildErofs((make) => make.file(Tree.ROOT, "sparse", [1 << 30]), {
    compare: false,
  });
  expect(summary.hasHoles).toBe(true);
  expect(statSync(path).size).toBeLessThan(100_000);
  expect(dumpErofs("-s", path)).toContain("chunked_file");
  expect(fsckErofs(path)).toMatchObject({ status: 0 });
});

test("an image without large holes asks for nothing that kernel 5.4 lacks", () => {
  const { path, summary } = buildErofs(trees.everyKind);
  expect(summary.hasHoles).toBe(false);
  const { feature_incompat } = superblock.read(readFileSync(path), 1024);
  expect(feature_incompat).toBe(0);
});

test("dump.erofs shows the features, UUID and counts that were asked for", () => {
  const { path, summary } = buildErofs(trees.names, { label: "wick image" });
  const text = dumpErofs("-s", path);
  const fields = {
    "Filesystem magic number": "0xE0F5E1E2",
    "Filesystem blocks": `${summary.sizeBytes / 4096}`,
    "Filesystem root nid": "36",
    "Filesystem inode count": `${summary.inodes}`,
    "Filesystem features": "sb_csum mtime",
    "Filesystem UUID": "00112233-4455-6677-8899-aabbccddeeff",
  };
  for (const [field, value] of Object.entries(fields)) {
    expect(new RegExp(`^${field}:\\s+(.*?)\\s*$`, "m").exec(text)?.[1], field).toBe(value);
  }
  const blkid = execFileSync("blkid", ["-p", "-s", "LABEL", "-o", "value", path]);
  expect(blkid.toString()).toBe("wick image\n");
});

test("the same tree gives the same bytes", () => {
  for (const fill of [limits, trees.everyKind, trees.large]) {
    const [one, other] = [1, 2].map(() => readFileSync(buildErofs(fill, { compare: false }).path));
    expect(one!.equals(other!)).toBe(true);
  }
});

test("fsck.erofs, the oracle above, sees a flipped byte of superblock, inode and directory", () => {
  const { path } = buildErofs(trees.everyKind);
  const text = dumpErofs("--path=/files", path);
  const nid = Number(/NID: (\d+)/.exec(text)?.[1]);
  const places = {
    checksum: 1024 + 4,
    label: 1024 + 0x40,
    inode: nid * 32 + 5,
    entry: nid * 32 + 64,
  };
  for (const [what, position] of Object.entries(places)) {
    const copy = `${path}.copy`;
    copyFileSync(path, copy);
    flipBytes(copy, position);
    expect(fsckErofs(copy).status, what).not.toBe(0);
  }
});

test.skipIf(!canMount)("the comparison notices one changed byte of a file in EROFS", () => {
  const built = buildErofs((make) => make.file(Tree.ROOT, "f", random(10_000)));
  flipBytes(built.path, 4096 + 5000);
  using mount = mountReadOnly(built.path, "erofs");
  expect(kernelManifest(mount.root)).not.toEqual(built.expected());
  expect(readerManifest(built.path)).not.toEqual(built.expected());
});

/** A directory with what mkfs.erofs treats in ways of its own: compact inodes, shared attributes. */
function fillDirectory(root: string): void {
  mkdirSync(join(root, "many"));
  for (let i = 0; i < 2000; i++) writeFileSync(join(root, "many", `name-${i}`), `${i}`);
  for (const size of [0, 1, 4000, 4095, 4096, 4097, 100_000, 1_000_000]) {
    writeFileSync(join(root, `size-${size}`), random(size));
  }
  for (const length of [1, 100, 3000, 4000])
    symlinkSync("t".repeat(length), join(root, `to-${length}`));
  linkSync(join(root, "size-4096"), join(root, "many/linked"));
  execFileSync("mknod", [join(root, "device"), "b", "259", "70000"]);
  execFileSync("mknod", [join(root, "fifo"), "p"]);
  execFileSync("chown", ["-h", "3000000000:70000", join(root, "to-100")]);
  for (const name of ["size-1", "size-4095", "many", "many/name-7"]) {
    execFileSync("setfattr", ["-n", "user.shared", "-v", "the same value", join(root, name)]);
    execFileSync("setfattr", ["-n", "trusted.own", "-v", `of ${name}`, join(root, name)]);
  }
  execFileSync("setfacl", ["-m", "u:1000:r,g:2000:rw", join(root, "size-4000")]);
}

test.skipIf(!canMount).each([
  ["as it does by itself", []],
  [
    "with compact inodes",
    ["-Eforce-inode-compact", "-T7", "--ignore-mtime", "--force-uid=5", "--force-gid=6"],
  ],
  ["with extended inodes", ["-Eforce-inode-extended"]],
  ["with all attributes shared", ["-x0"]],
  ["in chunks of 4 KiB", ["--chunksize=4096"]],
  ["in chunks of 64 KiB with indexes", ["--chunksize=65536", "-Eforce-chunk-indexes"]],
])("the reader says of what mkfs.erofs writes %s what the kernel says", (_, options) => {
  const directory = temporaryDirectory();
  const root = join(directory, "tree");
  mkdirSync(root);
  fillDirectory(root);
  const path = join(directory, "image.erofs");
  execFileSync("mkfs.erofs", [...options, path, root], { stdio: "pipe" });
  using mount = mountReadOnly(path, "erofs");
  expect(readerManifest(path)).toEqual(kernelManifest(mount.root));
});
