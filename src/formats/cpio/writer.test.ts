import { execFileSync, spawnSync } from "node:child_process";
import { lstatSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { utf8 } from "../../bytes/index.ts";
import { temporaryDirectory } from "../../../test/support/temporary-directory.ts";
import { CpioWriter, encodeCpio, type CpioFile } from "./index.ts";

const DATE = 1_700_000_000;
const root = { mode: 0o755, uid: 0, gid: 0, mtime: DATE };

const files: readonly CpioFile[] = [
  { ...root, path: utf8("/bin"), kind: "directory", mode: 0o1777 },
  { ...root, path: utf8("bin/app"), kind: "file", contents: utf8("hello\n"), mode: 0o4755 },
  {
    ...root,
    path: utf8("bin/a"),
    kind: "file",
    contents: utf8("linked"),
    links: [utf8("bin/b"), utf8("c")],
    uid: 1000,
    gid: 2000,
  },
  { ...root, path: utf8("bin/empty"), kind: "file" },
  { ...root, path: utf8("sbin"), kind: "symlink", mode: 0o777, target: utf8("bin") },
  { ...root, path: utf8("console"), kind: "char", mode: 0o600, rdev: { major: 5, minor: 1 } },
  { ...root, path: utf8("vda"), kind: "block", mode: 0o660, rdev: { major: 254, minor: 300 } },
  { ...root, path: utf8("pipe"), kind: "fifo", mode: 0o644 },
  { ...root, path: utf8("sock"), kind: "socket", mode: 0o644 },
];

function listing(archive: Uint8Array): string {
  return execFileSync("cpio", ["-itv", "--numeric-uid-gid", "--quiet"], {
    input: archive,
    env: { ...process.env, TZ: "UTC", LC_ALL: "C" },
    encoding: "utf8",
  });
}

test("cpio(1) lists every kind of node, owner, mode, link count and device that was written", () => {
  const lines = listing(encodeCpio(files)).trimEnd().split("\n");
  expect(lines.map((line) => line.replaceAll(/ +/g, " "))).toEqual([
    "drwxrwxrwt 2 0 0 0 Nov 14 2023 bin",
    "-rwsr-xr-x 1 0 0 6 Nov 14 2023 bin/app",
    "-rwxr-xr-x 3 1000 2000 0 Nov 14 2023 bin/a",
    "-rwxr-xr-x 3 1000 2000 0 Nov 14 2023 bin/b",
    "-rwxr-xr-x 3 1000 2000 6 Nov 14 2023 c",
    "-rwxr-xr-x 1 0 0 0 Nov 14 2023 bin/empty",
    "lrwxrwxrwx 1 0 0 4 Nov 14 2023 sbin -> bin",
    "crw------- 1 0 0 5, 1 Nov 14 2023 console",
    "brw-rw---- 1 0 0 254, 300 Nov 14 2023 vda",
    "prw-r--r-- 2 0 0 0 Nov 14 2023 pipe",
    "srw-r--r-- 2 0 0 0 Nov 14 2023 sock",
  ]);
});

test.each([["cpio"], ["bsdtar"]])("%s unpacks contents, links and targets", (tool) => {
  const target = temporaryDirectory();
  const plain = files.filter(({ kind }) => !["char", "block", "socket"].includes(kind));
  const args = tool === "cpio" ? ["-idm", "--quiet"] : ["-xf", "-"];
  execFileSync(tool, args, { cwd: target, input: encodeCpio(plain) });
  expect(readFileSync(join(target, "bin/app"), "utf8")).toBe("hello\n");
  for (const name of ["bin/a", "bin/b", "c"]) {
    expect(readFileSync(join(target, name), "utf8")).toBe("linked");
    expect(lstatSync(join(target, name)).nlink).toBe(3);
  }
  expect(readlinkSync(join(target, "sbin"))).toBe("bin");
  expect(lstatSync(join(target, "pipe")).isFIFO()).toBe(true);
  expect(lstatSync(join(target, "bin/app")).mtimeMs).toBe(DATE * 1000);
});

test("a damaged archive makes the oracles fail", () => {
  const archive = encodeCpio(files);
  archive.fill(0x7a, 124, 140); // the second entry's header
  for (const [tool, args] of [
    ["cpio", ["-it", "--quiet"]],
    ["bsdtar", ["-tf", "-"]],
  ] as const) {
    const result = spawnSync(tool, args, { input: archive, encoding: "utf8" });
    const complaint = result.status !== 0 || /skipped|premature|malformed/i.test(result.stderr);
    expect(complaint, tool).toBe(true);
  }
});

test("an archive is a multiple of 512 bytes with inodes from 721, links sharing one", () => {
  const archive = encodeCpio(files);
  expect(archive.length % 512).toBe(0);
  const text = Buffer.from(archive).toString("latin1");
  const inodes = [...text.matchAll(/070701([0-9A-F]{8})/g)].map((m) => Number.parseInt(m[1]!, 16));
  expect(inodes).toEqual([721, 722, 723, 723, 723, 724, 725, 726, 727, 728, 729, 0]);
});

test("contents given in pieces are the same bytes as contents given whole", () => {
  const archive = (contents: Parameters<CpioWriter["add"]>[1]) => {
    const written: Uint8Array[] = [];
    const writer = new CpioWriter((bytes) => void written.push(bytes.slice()));
    writer.add({ ...root, path: utf8("f"), kind: "file" }, contents);
    writer.end({ alignment: 4 });
    return Buffer.concat(written);
  };
  const pieces = { sizeBytes: 5, chunks: [utf8("ab"), new Uint8Array(0), utf8("cde")] };
  expect(archive(pieces)).toEqual(archive(utf8("abcde")));
  expect(() => archive({ sizeBytes: 6, chunks: [utf8("ab")] })).toThrow(/gave 2 bytes/);
});

test("a file of 4 GiB is refused by its name, with a hint", () => {
  const writer = new CpioWriter(() => {});
  const contents = { sizeBytes: 2 ** 32, chunks: [] };
  expect(() => writer.add({ ...root, path: utf8("bin/huge"), kind: "file" }, contents)).toThrow(
    expect.objectContaining({
      code: "IMAGE_LIMIT",
      message: 'Cannot add "bin/huge" to the archive: 4.0 GiB, newc holds files under 4 GiB',
      hint: "use --format ext4",
    }),
  );
  expect(writer.sizeBytes).toBe(0);
});

test.each([
  ["uid", { uid: 2 ** 32 }],
  ["mtime", { mtime: -1 }],
  ["mtime", { mtime: 2 ** 32 }],
  ["rmin", { rdev: { major: 1, minor: 2 ** 33 } }],
])("a %s that needs more than 32 bits is refused, never cut", (field, change) => {
  const entry = { ...root, path: utf8("x"), kind: "char" as const, ...change };
  expect(() => encodeCpio([entry])).toThrow(
    expect.objectContaining({
      code: "VALUE_OUT_OF_RANGE",
      message: expect.stringContaining(`"x" to the archive: c_${field}`),
    }),
  );
});

test.each([
  ["", "IMAGE_LIMIT"],
  ["///", "IMAGE_LIMIT"],
  ["a/../b", "PATH_ESCAPES"],
  ["..", "PATH_ESCAPES"],
  ["a\0b", "ARCHIVE_INVALID"],
  ["TRAILER!!!", "IMAGE_LIMIT"],
  ["a".repeat(4096), "IMAGE_LIMIT"],
])("the path %j is refused", (path, code) => {
  const entry = { ...root, path: utf8(path), kind: "directory" as const };
  expect(() => encodeCpio([entry])).toThrow(expect.objectContaining({ code }));
});

test("names that only look like parents are kept as they are, in bytes", () => {
  const target = temporaryDirectory();
  const names = [utf8("..."), utf8("..a"), new Uint8Array([0x66, 0xff, 0x0a])];
  const archive = encodeCpio(names.map((path) => ({ ...root, path, kind: "file" as const })));
  writeFileSync(join(target, "a.cpio"), archive);
  execFileSync("cpio", ["-id", "--quiet"], { cwd: target, input: archive });
  for (const name of names) {
    expect(lstatSync(Buffer.concat([Buffer.from(`${target}/`), name])).size).toBe(0);
  }
});
