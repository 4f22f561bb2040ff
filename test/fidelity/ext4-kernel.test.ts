/** e2fsck finds nothing to complain about, and the kernel gives back everything that went in. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { superblock } from "../../src/formats/ext4/layout.ts";
import { Tree } from "../../src/tree/index.ts";
import {
  buildExt4,
  canMount,
  debugfs,
  dumpe2fs,
  e2fsck,
  flipBytes,
  kernelComplaints,
  kernelManifest,
  mountImage,
  type Built,
} from "../support/ext4-image.ts";
import { random, times, trees, large } from "../support/sample-trees.ts";
import { xattr, type TreeMaker } from "../support/tree-maker.ts";

for (const [name, fill] of Object.entries(trees)) {
  for (const sizeBytes of [undefined, "min", 128 << 20] as const) {
    const title = `the tree "${name}" in an image of size ${sizeBytes ?? "nominal"}`;
    const build = (journal: boolean): Built =>
      buildExt4(fill, { journal, ...(sizeBytes === undefined ? {} : { sizeBytes }) });

    test(`${title} is clean, with and without a journal`, () => {
      for (const journal of [true, false]) {
        const { path, warnings } = build(journal);
        expect(e2fsck(path)).toMatchObject({ status: 0 });
        expect(warnings).toEqual([]);
      }
    });

    test.skipIf(!canMount)(`${title} is what the kernel reads`, () => {
      for (const writable of [false, true]) {
        const built = build(writable);
        using mount = mountImage(built.path, { writable });
        expect(kernelManifest(mount.root)).toEqual(built.expected());
        expect(kernelComplaints(mount.device)).toEqual([]);
      }
    });
  }
}

test("debugfs finds files, attributes, owners and times without a mount", () => {
  const { path } = buildExt4((make) => {
    make.file(Tree.ROOT, "f", "contents\n", {
      uid: 70_000,
      gid: 80_000,
      mtime: { seconds: -1, nanoseconds: 500_000_000 },
      xattrs: [xattr("user.key", "value")],
    });
    make.special(Tree.ROOT, "dev", "block", { major: 300, minor: 70_000 });
  });
  expect(debugfs(path, "cat /f")).toContain("contents");
  expect(debugfs(path, "ea_list /f")).toContain('user.key (5) = "value"');
  const stat = debugfs(path, "stat /f");
  expect(stat).toMatch(/User: +70000 +Group: 80000 /);
  expect(stat).toMatch(/mtime: 0xffffffff:77359400/);
  expect(debugfs(path, "stat /dev")).toContain("Device major/minor number: 300:70000");
});

test("dumpe2fs shows the features, label, UUID and defaults that were asked for", () => {
  const { path } = buildExt4(times, { label: "wick image", journal: true, sizeBytes: 64 << 20 });
  const text = dumpe2fs(path, "-h");
  const fields = {
    "Filesystem volume name": "wick image",
    "Filesystem UUID": "00112233-4455-6677-8899-aabbccddeeff",
    "Filesystem features":
      "has_journal ext_attr dir_index filetype extent 64bit flex_bg sparse_super large_file huge_file dir_nlink extra_isize metadata_csum",
    "Filesystem flags": "unsigned_directory_hash",
    "Default mount options": "user_xattr acl",
    "Filesystem state": "clean",
    "Reserved block count": "0",
    "Block count": "16384",
    "Inode count": "4096",
    "Inode size": "256",
    "Group descriptor size": "64",
    "Flex block group size": "16",
    "Default directory hash": "half_md4",
    "Journal backup": "inode blocks",
    "Checksum type": "crc32c",
    "Total journal blocks": "1024",
    "Journal start": "0",
  };
  for (const [field, value] of Object.entries(fields)) {
    expect(new RegExp(`^${field}:\\s+(.*?)\\s*$`, "m").exec(text)?.[1], field).toBe(value);
  }
});

test("the superblock's copy of the journal's block map is that of inode 8", () => {
  const { path } = buildExt4(times, { journal: true, sizeBytes: 64 << 20 });
  const [, block, offset] = /at block (\d+), offset (0x[0-9a-f]+)/.exec(debugfs(path, "imap <8>"))!;
  const image = readFileSync(path);
  const at = Number(block) * 4096 + Number(offset);
  const words = Array.from({ length: 15 }, (_, i) => image.readUInt32LE(at + 0x28 + i * 4));
  expect(superblock.read(image, 1024).s_jnl_blocks).toEqual([...words, 0, 1024 * 4096]);
});

test.skipIf(!canMount)("a path of more than 4096 bytes can be walked down to its end", () => {
  const { path } = buildExt4((make) => {
    let deep: number = Tree.ROOT;
    for (let i = 0; i < 30; i++) deep = make.directory(deep, `${i}-`.padEnd(200, "d"));
    make.file(deep, "at the end", "x");
  });
  expect(e2fsck(path)).toMatchObject({ status: 0 });
  using mount = mountImage(path);
  const found = execFileSync("find", [mount.root, "-name", "at the end", "-size", "1c"]);
  expect(found.length).toBeGreaterThan(6000);
});

/** Everything that has a checksum of its own, in one image. */
function everyStructure(make: TreeMaker): void {
  const directory = make.directory(Tree.ROOT, "indexed");
  for (let i = 0; i < 600; i++) make.file(directory, `entry number ${i}`);
  make.file(make.directory(Tree.ROOT, "linear"), "entry");
  make.file(Tree.ROOT, "attributes", "", { xattrs: [xattr("user.large", random(500))] });
  const pieces = Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? random(4096) : 4096));
  make.file(Tree.ROOT, "pieces", pieces);
}

/** A byte that matters of each structure, by what debugfs and dumpe2fs say of where it is. */
function placesOf(path: string): Record<string, number> {
  const commands = ["imap /linear", "blocks /linear", "blocks /indexed", "stat /attributes"];
  const text = debugfs(path, ...commands, "ex /pieces", "blocks <8>");
  const groups = dumpe2fs(path);
  const number = (source: string, pattern: RegExp): number => Number(pattern.exec(source)![1]);
  const byte = (block: number, offset: number): number => block * 4096 + offset;
  const [, root, leaf] = /^debugfs: blocks \/indexed\n(\d+) (\d+)/m.exec(text)!.map(Number);
  const [, inodes, offset] = /at block (\d+), offset (0x[0-9a-f]+)/.exec(text)!.map(Number);
  return {
    superblock: 1024 + 0x60,
    "group descriptor": byte(1, 0),
    "block bitmap": byte(number(groups, /Block bitmap at (\d+)/), 0),
    "inode bitmap": byte(number(groups, /Inode bitmap at (\d+)/), 0),
    inode: byte(inodes!, offset! + 2),
    directory: byte(number(text, /^debugfs: blocks \/linear\n(\d+)/m), 32),
    "root of a hash tree": byte(root!, 44),
    "leaf of a hash tree": byte(leaf!, 12),
    "node of an extent tree": byte(number(text, /^ 0\/ 1 +1\/ +1 .*?(\d+) +\d+$/m), 16),
    "extended attributes": byte(number(text, /File ACL: (\d+)/), 4000),
    journal: byte(number(text, /^debugfs: blocks <8>\n(\d+)/m), 0),
  };
}

test("e2fsck, the oracle above, sees one flipped byte of every structure", () => {
  const { path } = buildExt4(everyStructure, { sizeBytes: 16 << 20, journal: true });
  expect(e2fsck(path)).toMatchObject({ status: 0 });
  for (const [what, position] of Object.entries(placesOf(path))) {
    flipBytes(path, position);
    expect(e2fsck(path).status, what).not.toBe(0);
    flipBytes(path, position);
  }
  expect(e2fsck(path)).toMatchObject({ status: 0 });
});

test("debugfs and dumpe2fs, the oracles above, show what is changed", () => {
  const { path } = buildExt4(
    (make) => make.file(Tree.ROOT, "f", "contents\n", { xattrs: [xattr("user.key", "value")] }),
    { label: "wick image" },
  );
  flipBytes(path, 1024 + superblock.offsets.s_volume_name);
  expect(dumpe2fs(path, "-h")).not.toContain("wick image");
  flipBytes(
    path,
    Number(/^debugfs: blocks \/f\n(\d+)/m.exec(debugfs(path, "blocks /f"))![1]) * 4096,
  );
  expect(debugfs(path, "cat /f")).not.toContain("contents");
});

test.skipIf(!canMount)("the comparison notices one changed byte of a file", () => {
  const built = buildExt4((make) => make.file(Tree.ROOT, "f", random(10_000)), {
    sizeBytes: "min",
  });
  const block = Number(/^debugfs: blocks \/f\n(\d+)/m.exec(debugfs(built.path, "blocks /f"))![1]);
  flipBytes(built.path, block * 4096 + 5000);
  using mount = mountImage(built.path);
  expect(kernelManifest(mount.root)).not.toEqual(built.expected());
});

test.skipIf(!canMount)("a writable mount takes new files of every kind, and stays clean", () => {
  const built = buildExt4(large, { journal: true });
  {
    using mount = mountImage(built.path, { writable: true });
    execFileSync(
      "sh",
      [
        "-c",
        "for i in $(seq 3000); do echo $i > \"large/new $i\"; done; rm -r 'long names'; cp large/new* .; mkdir -p a/b/c; setfattr -n user.x -v y large",
      ],
      { cwd: mount.root },
    );
    expect(readFileSync(join(mount.root, "large", "new 77"), "utf8")).toBe("77\n");
    expect(kernelComplaints(mount.device)).toEqual([]);
  }
  expect(e2fsck(built.path)).toMatchObject({ status: 0 });
});
