/** For tests: trees of every kind of node, name, time and attribute. */
import { Tree } from "../../src/tree/index.ts";
import { xattr, type TreeMaker } from "./tree-maker.ts";

/** Bytes that are not the same anywhere. */
export const random = (length: number): Uint8Array =>
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

export function times(make: TreeMaker): void {
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

export function large(make: TreeMaker): void {
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

/** Trees that hold what is awkward; no format's limits are passed. */
export const trees = { everyKind, times, names, attributes, large };
