/** What other tools write and unpack is the oracle: the same archives give the same trees. */
import { execFileSync, spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  closeSync,
  ftruncateSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { manifestOfDirectory, manifestOfTree, unpack } from "../support/manifest.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const isRoot = process.getuid?.() === 0;
const longName = "n".repeat(200);

/** A directory with something of every kind; v7 has neither long names nor special files. */
function makeSource({
  long,
  special,
}: {
  readonly long: boolean;
  readonly special: boolean;
}): string {
  const root = join(temporaryDirectory(), "source");
  const at = (...names: string[]): string => join(root, ...names);
  mkdirSync(at("empty directory"), { recursive: true });
  mkdirSync(at("d", "e"), { recursive: true });
  for (const size of [0, 1, 511, 512, 513, 4095, 4096, 4097, 100_000]) {
    writeFileSync(at("d", `size-${size}`), Buffer.alloc(size, `${size} bytes `));
  }
  linkSync(at("d", "size-513"), at("d", "e", "another name"));
  linkSync(at("d", "size-513"), at("a third name"));
  symlinkSync("../nowhere", at("d", "dangling"));
  symlinkSync("/d/e", at("absolute"));
  writeFileSync(Buffer.from(at("latin1-\xff\xe9 \\ \n tab\t"), "latin1"), "odd name");
  writeFileSync(at("setuid"), "#!/bin/sh\n");
  chmodSync(at("setuid"), 0o4755);
  chmodSync(at("empty directory"), 0o1777);
  if (special) execFileSync("mkfifo", [at("fifo")]);
  if (long) addLongNames(root);
  if (isRoot) addForRoot(root, special);
  utimesSync(at("d", "size-1"), 1, 1_234_567_890.123456);
  utimesSync(at("d"), 1, 2);
  return root;
}

function addLongNames(root: string): void {
  const deep = join(root, ...Array.from({ length: 12 }, (_, i) => `deep directory number ${i}`));
  mkdirSync(deep, { recursive: true });
  writeFileSync(join(deep, longName), "long path");
  linkSync(join(deep, longName), join(root, longName));
  symlinkSync(`/${"t".repeat(300)}`, join(root, "long link"));
}

function addForRoot(root: string, special: boolean): void {
  if (special) execFileSync("mknod", [join(root, "char"), "c", "300", "70000"]);
  if (special) execFileSync("mknod", [join(root, "block"), "b", "8", "1"]);
  writeFileSync(join(root, "owned"), "by others");
  chownSync(join(root, "owned"), 65534, 100_000);
}

function run(program: string, ...args: readonly string[]): void {
  execFileSync(program, args, { stdio: ["ignore", "ignore", "pipe"] });
}

/** Unpacks with GNU tar, as the same user that packed. */
function extract(archive: string, ...options: readonly string[]): string {
  const target = temporaryDirectory();
  run("tar", "-x", "--numeric-owner", "-p", ...options, "-f", archive, "-C", target);
  return target;
}

function manifestOf(archive: string): string[] {
  const { tree, sink } = unpack(readFileSync(archive), { chunkBytes: 10_007 });
  return manifestOfTree(tree, sink);
}

const formats = ["v7", "oldgnu", "gnu", "ustar", "posix"];

for (const format of formats) {
  test(`an archive of GNU tar's format ${format} gives the tree that GNU tar unpacks`, () => {
    const source = makeSource({
      long: format !== "v7" && format !== "ustar",
      special: format !== "v7",
    });
    const archive = join(temporaryDirectory(), "a.tar");
    run("tar", "-c", `--format=${format}`, "--numeric-owner", "-f", archive, "-C", source, ".");
    const manifest = manifestOf(archive);
    expect(manifest).toEqual(manifestOfDirectory(extract(archive)));
    expect(manifest.length).toBeGreaterThan(18);
  });
}

for (const format of ["pax", "ustar", "gnutar", "v7"]) {
  test(`an archive of bsdtar's format ${format} gives the tree that bsdtar unpacks`, () => {
    const source = makeSource({
      long: format === "pax" || format === "gnutar",
      special: format !== "v7",
    });
    const archive = join(temporaryDirectory(), "a.tar");
    run("bsdtar", "-c", "--format", format, "-f", archive, "-C", source, ".");
    const target = temporaryDirectory();
    run("bsdtar", "-x", "-p", "--numeric-owner", "-f", archive, "-C", target);
    // bsdtar leaves the time of the directory it unpacks into alone.
    expect(manifestOf(archive).slice(1)).toEqual(manifestOfDirectory(target).slice(1));
  });
}

/** A file of 5 MB with data here and there, the last stretch no whole block. */
function makeSparse(directory: string, { endsInHole }: { readonly endsInHole: boolean }): void {
  const file = openSync(join(directory, `sparse-${endsInHole}`), "w");
  for (let i = 0; i < 40; i++)
    writeSync(file, Buffer.alloc(4096, `part ${i} `), 0, 4096, i * 128_000 + 4096 * (i % 3));
  writeSync(file, "the end", 5_500_000);
  if (endsInHole) ftruncateSync(file, 6_000_001);
  closeSync(file);
}

const sparse = [
  ["posix", "0.0"],
  ["posix", "0.1"],
  ["posix", "1.0"],
  ["gnu", "old"],
  ["oldgnu", "old"],
] as const;

for (const [format, version] of sparse) {
  test(`GNU tar's sparse files, format ${format} ${version}, keep name, size, bytes and holes`, () => {
    const source = temporaryDirectory();
    makeSparse(source, { endsInHole: true });
    makeSparse(source, { endsInHole: false });
    writeFileSync(join(source, "z"), "what follows");
    const archive = join(temporaryDirectory(), "a.tar");
    const options = version === "old" ? [] : [`--sparse-version=${version}`];
    run("tar", "-c", "-S", `--format=${format}`, ...options, "-f", archive, "-C", source, ".");
    const { tree, sink } = unpack(readFileSync(archive), { chunkBytes: 777 });
    expect(manifestOfTree(tree, sink)).toEqual(manifestOfDirectory(extract(archive)));
    expect(sink.usage().bytes).toBeLessThan(600_000);
  });
}

test("a sparse file of bsdtar is read as GNU tar reads it", () => {
  const source = temporaryDirectory();
  makeSparse(source, { endsInHole: true });
  const archive = join(temporaryDirectory(), "a.tar");
  run("bsdtar", "-c", "--format", "pax", "--read-sparse", "-f", archive, "-C", source, ".");
  expect(manifestOf(archive)).toEqual(manifestOfDirectory(extract(archive)));
});

/** A directory with extended attributes; false where the file system has none. */
function makeXattrs(source: string): boolean {
  const set = (file: string, name: string, hex: string): boolean =>
    spawnSync("setfattr", ["-n", name, "-v", hex, join(source, file)]).status === 0;
  writeFileSync(join(source, "file"), "x");
  if (isRoot) set("file", "security.capability", "0x0100000200200000000000000000000000000000");
  return (
    set("file", "user.binary", "0x00ff0a3d00") &&
    set("file", "user.empty", "0x") &&
    set("file", "user.a=b%c", "0x31") &&
    set(".", "user.of-the-root", "0x646972")
  );
}

test("extended attributes of GNU tar and bsdtar arrive byte for byte", () => {
  const source = temporaryDirectory();
  const possible = makeXattrs(source);
  const wanted = manifestOfDirectory(source);
  if (possible) expect(wanted.join("\n")).toContain("user.binary=00ff0a3d00");
  for (const [program, options] of [
    ["tar", ["--format=posix", "--xattrs", "--xattrs-include=*"]],
    ["bsdtar", ["--format", "pax", "--xattrs"]],
  ] as const) {
    const archive = join(temporaryDirectory(), "a.tar");
    run(program, "-c", ...options, "-f", archive, "-C", source, ".");
    expect(manifestOf(archive)).toEqual(wanted);
  }
});

test("ACLs of GNU tar and bsdtar arrive as the kernel keeps them", () => {
  const source = temporaryDirectory();
  mkdirSync(join(source, "d"));
  const acl = "u:12345:rw,g:23456:x,m::rwx";
  const possible = spawnSync("setfacl", ["-m", acl, join(source, "d")]).status === 0;
  if (possible) run("setfacl", "-d", "-m", acl, join(source, "d"));
  const wanted = manifestOfDirectory(source);
  if (possible) expect(wanted[1]).toMatch(/system.posix_acl_access.*system.posix_acl_default/);
  for (const [program, options] of [
    ["tar", ["--format=posix", "--acls"]],
    ["bsdtar", ["--format", "pax", "--acls", "--no-xattrs"]],
  ] as const) {
    const archive = join(temporaryDirectory(), "a.tar");
    run(program, "-c", ...options, "-f", archive, "-C", source, ".");
    expect(manifestOf(archive)).toEqual(wanted);
  }
});

test("the comparison with GNU tar finds one changed byte of a file and of a header", () => {
  const source = makeSource({ long: true, special: true });
  const archive = join(temporaryDirectory(), "a.tar");
  run("tar", "-c", "--format=posix", "-f", archive, "-C", source, ".");
  const wanted = manifestOfDirectory(extract(archive));
  const bytes = readFileSync(archive);
  const at = bytes.indexOf("4097 bytes 4097");
  bytes[at] = bytes[at]! ^ 1;
  writeFileSync(archive, bytes);
  const differing = manifestOf(archive).filter((line, i) => line !== wanted[i]);
  expect(differing).toHaveLength(1);
  expect(differing[0]).toContain("/d/size-4097|file");
  bytes[bytes.indexOf("ustar") + 40] = 0x39;
  writeFileSync(archive, bytes);
  expect(() => manifestOf(archive)).toThrow("its checksum is");
});
