import { execFileSync, spawnSync } from "node:child_process";
import {
  chmodSync,
  linkSync,
  lstatSync,
  mkdirSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { display, utf8 } from "../../bytes/index.ts";
import { isWickError } from "../../errors/index.ts";
import { temporaryDirectory } from "../../../test/support/temporary-directory.ts";
import { CpioReader, decodeCpio, encodeCpio, type CpioFile } from "./index.ts";

const root = { mode: 0o755, uid: 0, gid: 0, mtime: 5 };

const files: readonly CpioFile[] = [
  { ...root, path: utf8("d"), kind: "directory" },
  { ...root, path: utf8("d/f"), kind: "file", contents: utf8("odd"), links: [utf8("d/g")] },
  { ...root, path: utf8("l"), kind: "symlink", target: utf8("d/f") },
  { ...root, path: utf8("n"), kind: "char", rdev: { major: 1, minor: 3 } },
];

/** A small directory with what cpio(1) and bsdtar can make without privileges. */
function exampleDirectory(): string {
  const path = temporaryDirectory();
  mkdirSync(join(path, "dir"));
  writeFileSync(join(path, "dir/file"), "contents\n");
  chmodSync(join(path, "dir/file"), 0o4750);
  utimesSync(join(path, "dir/file"), 1_600_000_000, 1_600_000_000);
  linkSync(join(path, "dir/file"), join(path, "second"));
  symlinkSync("dir/file", join(path, "link"));
  execFileSync("mkfifo", [join(path, "pipe")]);
  return path;
}

function archiveBy(tool: "newc" | "crc" | "bsdtar", path: string): Uint8Array {
  const names = "dir\ndir/file\nsecond\nlink\npipe\n";
  if (tool !== "bsdtar") {
    return execFileSync("cpio", ["-o", "--quiet", "-H", tool], { cwd: path, input: names });
  }
  return execFileSync("bsdtar", ["-c", "--format", "newc", "-n", "-T", "-"], {
    cwd: path,
    input: names,
  });
}

test.each(["newc", "crc", "bsdtar"] as const)("reads what %s wrote", (tool) => {
  const path = exampleDirectory();
  const { files: read } = decodeCpio(archiveBy(tool, path));
  const found = read.map((f) => [display(f.path), f.kind, f.mode, display(f.contents)]);
  expect(found.sort()).toEqual([
    ["dir", "directory", lstatSync(join(path, "dir")).mode & 0o7777, ""],
    ["dir/file", "file", 0o4750, "contents\\x0a"],
    ["link", "symlink", 0o777, ""],
    ["pipe", "fifo", lstatSync(join(path, "pipe")).mode & 0o7777, ""],
    ["second", "file", 0o4750, "contents\\x0a"],
  ]);
  expect(display(read.find((f) => f.kind === "symlink")!.target!)).toBe("dir/file");
  expect(read.find((f) => display(f.path) === "dir/file")!.mtime).toBe(1_600_000_000);
});

test("one flipped byte of data is found where the archive has checksums, by cpio(1) too", () => {
  const archive = Uint8Array.from(archiveBy("crc", exampleDirectory()));
  const at = Buffer.from(archive).indexOf("contents");
  archive[at] = archive[at]! ^ 1;
  expect(() => decodeCpio(archive)).toThrow(/sums to/);
  const listed = spawnSync("cpio", ["--only-verify-crc", "-i"], { input: archive });
  expect(listed.stderr.toString()).toMatch(/checksum error/);
});

test("gives back what the writer wrote, whatever the pieces", () => {
  const archive = encodeCpio(files);
  const whole = decodeCpio(archive).files;
  expect(whole.map((f) => display(f.path))).toEqual(["d", "d/f", "d/g", "l", "n"]);
  expect(whole.slice(1, 3).map((f) => display(f.contents))).toEqual(["odd", "odd"]);
  expect(whole[4]!.rdev).toEqual({ major: 1, minor: 3 });
  for (const size of [1, 3, 113, 4096]) {
    const paths: string[] = [];
    let data = "";
    const reader = new CpioReader({
      entry: (entry) => void paths.push(display(entry.path)),
      data: (chunk) => void (data += display(chunk)),
    });
    for (let i = 0; i < archive.length; i += size) reader.push(archive.subarray(i, i + size));
    reader.end();
    expect(paths).toEqual(["d", "d/f", "d/g", "l", "n"]);
    expect(data).toBe("odd");
  }
});

test("reads archives that follow one another, zeros between, up to something else", () => {
  const one = encodeCpio(files.slice(0, 1));
  const two = encodeCpio(files.slice(1, 2));
  const gzip = new Uint8Array([0x1f, 0x8b, 8, 0]);
  const both = Buffer.concat([one, new Uint8Array(256), two, gzip]);
  const decoded = decodeCpio(both);
  expect(decoded.files.map((f) => display(f.path))).toEqual(["d", "d/f", "d/g"]);
  expect(decoded.endBytes).toBe(both.length - 4);
});

test("hard links do not reach from one archive into the next", () => {
  const first = encodeCpio([
    { ...root, path: utf8("a"), kind: "file", contents: utf8("1"), links: [utf8("b")] },
  ]);
  const second = encodeCpio([
    { ...root, path: utf8("c"), kind: "file", contents: utf8("2"), links: [utf8("d")] },
  ]);
  const { files: read } = decodeCpio(Buffer.concat([first, second]));
  expect(read.map((f) => display(f.contents))).toEqual(["1", "1", "2", "2"]);
});

test("an archive cut anywhere is refused", () => {
  const archive = encodeCpio(files);
  const trailerEnd = Buffer.from(archive).indexOf("TRAILER!!!") + 11;
  for (let length = 0; length < trailerEnd; length += 7) {
    expect(() => decodeCpio(archive.subarray(0, length)), `${length}`).toThrow(
      expect.objectContaining({ code: "ARCHIVE_INVALID" }),
    );
  }
});

test.each([
  ["an old cpio magic", 5, "7", /magic is "070707"/],
  ["a letter where a digit belongs", 20, "x", /hexadecimal digit/],
  ["a name without an end", 94, "00001001", /4097 bytes/],
  ["a name of no bytes", 94, "00000000", /0 bytes/],
  ["a mode without a kind", 14, "000001ed", /no kind/],
])("%s is refused", (_, offset, text, message) => {
  const archive = encodeCpio(files);
  archive.set(utf8(text), offset);
  expect(() => decodeCpio(archive)).toThrow(message);
});

test("a thousand archives with changed bytes give an answer or ARCHIVE_INVALID", () => {
  const original = encodeCpio(files);
  let state = 7;
  const next = (limit: number) => (state = (state * 48271) % 2147483647) % limit;
  let refused = 0;
  for (let i = 0; i < 1000; i++) {
    const archive = original.slice();
    for (let k = 0; k < 1 + next(4); k++) archive[next(archive.length)] = next(256);
    try {
      decodeCpio(archive);
    } catch (error) {
      if (!isWickError(error, "ARCHIVE_INVALID")) throw error;
      refused++;
    }
  }
  expect(refused).toBeGreaterThan(100);
});
