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
import { xattr, type TreeMaker } from "../support/tree-maker.ts";

const random = (length: number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => (Math.imul(i + 1, 2654435761) >>> 24) ^ (i >>> 8));

/** A POSIX ACL in the form of getxattr(2): user, uid 3,000,000,000, group, gid 7, mask, other. */
const ACL = Buffer.from(
  [
    "02000000",
    "01000700ffffffff",
    "02000500005ed0b2",
    "04000500ffffffff",
    "0800040007000000",
    "10000700ffffffff",
    "20000400ffffffff",
  ].join(""),
  "hex",
);

/** CAP_NET_BIND_SERVICE, version 2, effective. */
const CAPABILITY = Uint8Array.of(1, 0, 0, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);

function everyKind(make: TreeMaker): void {
  const root = Tree.ROOT;
  make.tree.inodes.setMetadata(root, {
    mode: 0o711,
    uid: 12,
    gid: 34,
    mtime: { seconds: 7, nanoseconds: 8 },
    xattrs: [xattr("user.root", "yes")],
  });
  const files = make.directory(root, "files", { mode: 0o1777, uid: 65534, gid: 65534 });
  for (const size of [0, 1, 59, 4095, 4096, 4097, 262_144, 1_100_000]) {
    make.file(files, `size-${size}`, random(size));
  }
  make.file(files, "setuid", "#!", { mode: 0o4755 });
  make.file(files, "setgid", "#!", { mode: 0o2755 });
  make.file(files, "big ids", "x", { uid: 3_000_000_000, gid: 4_294_967_294 });
  const linked = make.file(files, "linked", "one inode");
  make.link(root, "another name", linked);
  make.link(files, "a third name", linked);
  const zero = make.directory(root, "holes");
  make.file(zero, "zeros", new Uint8Array(100_000));
  make.file(zero, "tail", [random(5000), 1_000_000]);
  make.file(zero, "head", [1_000_001, random(5000)]);
  make.file(
    zero,
    "many",
    Array.from({ length: 2000 }, (_, i) => (i % 2 === 0 ? random(4096) : 4096)),
  );
  make.file(zero, "only", [40_000]);
  const links = make.directory(root, "links");
  for (const length of [1, 59, 60, 61, 4095])
    make.symlink(links, `to ${length}`, "t".repeat(length));
  make.symlink(links, "dangling", "/nowhere/at/all", { uid: 5, gid: 6 });
  make.link(links, "link to a symlink", make.symlink(links, "linked symlink", "../files"));
  const devices = make.directory(root, "devices");
  make.special(devices, "null", "char", { major: 1, minor: 3 });
  make.special(devices, "old limit", "block", { major: 255, minor: 255 });
  make.special(devices, "large", "block", { major: 300, minor: 70_000 });
  make.special(devices, "largest", "char", { major: 4095, minor: 1_048_575 });
  make.special(devices, "whiteout", "char", { major: 0, minor: 0 });
  make.special(devices, "fifo", "fifo");
  make.special(devices, "socket", "socket");
}

function times(make: TreeMaker): void {
  const seconds = [
    0, -1, -2_147_483_648, 2_147_483_647, 2_147_483_648, 4_294_967_296, 15_032_385_535,
  ];
  for (const at of seconds) {
    for (const nanoseconds of [0, 1, 500_000_000, 999_999_999]) {
      make.file(Tree.ROOT, `${at}.${nanoseconds}`, "", { mtime: { seconds: at, nanoseconds } });
    }
  }
}

function names(make: TreeMaker): void {
  const odd = [
    "\\",
    "\n",
    " ",
    "\t",
    "%",
    "A",
    "a",
    "ä",
    "日本",
    "-rf",
    "...",
    "x".repeat(255),
    "lost+found",
  ];
  const directory = make.directory(Tree.ROOT, "names");
  for (const name of odd) make.file(directory, name, name);
  make.file(directory, Uint8Array.of(0xff, 0xfe, 0x80, 0x01), "bytes");
  let deep = make.directory(Tree.ROOT, "deep");
  for (let i = 0; i < 15; i++) deep = make.directory(deep, `${i}-`.padEnd(200, "d"));
  make.directory(Tree.ROOT, "empty");
}

function attributes(make: TreeMaker): void {
  const file = (name: string, ...xattrs: ReturnType<typeof xattr>[]): void =>
    void make.file(Tree.ROOT, name, name, { xattrs });
  file("capability", xattr("security.capability", CAPABILITY));
  file(
    "several",
    xattr("user.z", "1"),
    xattr("user.a", "2"),
    xattr("trusted.t", "3"),
    xattr("security.x", ""),
  );
  file("acl", xattr("system.posix_acl_access", ACL));
  make.directory(Tree.ROOT, "default acl", {
    xattrs: [xattr("system.posix_acl_default", ACL), xattr("system.posix_acl_access", ACL)],
  });
  // 88 bytes are left in the inode: an entry of 16, a name of 4, so 68 for the value.
  for (const length of [0, 1, 67, 68, 69, 4000])
    file(`v${length}`, xattr("user.abcd", random(length)));
  file("full", xattr("user.abcd", random(68)), xattr("user.b", random(4040)));
  file(
    "other order",
    xattr("security.small", random(56)),
    xattr("user.b", random(3996)),
    xattr("user.c", random(8)),
  );
  file("many", ...Array.from({ length: 60 }, (_, i) => xattr(`user.n${i}`, `value ${i}`)));
  make.symlink(Tree.ROOT, "symlink", "x", { xattrs: [xattr("trusted.on.symlink", "v")] });
  make.directory(Tree.ROOT, "directory", { xattrs: [xattr("user.d", random(200))] });
  const equal = [xattr("user.same", random(300))];
  for (let i = 0; i < 3; i++) make.file(Tree.ROOT, `equal ${i}`, "", { xattrs: equal });
}

function large(make: TreeMaker): void {
  const directory = make.directory(Tree.ROOT, "large");
  for (let i = 0; i < 5000; i++)
    make.file(directory, `entry number ${i}`, i % 10 === 0 ? `${i}` : "");
  for (let i = 0; i < 500; i++)
    make.file(directory, Uint8Array.of(0xc3, 0xa9, 0xff, 0x80 + (i % 100), 0x30 + i / 100));
  // 338 such names fill a block with "." and "..", 340 the first leaf of an index.
  for (const count of [337, 338, 339, 340, 341, 680, 681]) {
    const full = make.directory(Tree.ROOT, `${count} names`);
    for (let i = 0; i < count; i++) make.file(full, `${i}`.padStart(4, "0"));
  }
  const wide = make.directory(Tree.ROOT, "long names");
  for (let i = 0; i < 2000; i++) make.symlink(wide, `${i}-`.padEnd(250, "n"), `${i}`);
  make.directory(Tree.ROOT, "lost+found", { mode: 0o750, uid: 9 });
}

const trees = { everyKind, times, names, attributes, large };

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
