import { execFileSync, spawnSync } from "node:child_process";
import {
  appendFileSync,
  chmodSync,
  linkSync,
  mkdirSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { expect, test } from "vitest";
import { record } from "../../test/support/record.ts";
import { temporaryDirectory } from "../../test/support/temporary-directory.ts";
import { publish, setFaults } from "../host/index.ts";
import { archiveLayer } from "./archive-layer.ts";
import { directoryLayer, directorySource } from "./directory.ts";
import { ownerRule } from "./owner.ts";

const isRoot = process.getuid?.() === 0;

/** A directory with one of everything, and names of every ugliness. */
function planted(): string {
  const root = temporaryDirectory();
  mkdirSync(join(root, "d/deep/er"), { recursive: true });
  chmodSync(join(root, "d"), 0o2750);
  writeFileSync(join(root, "d/file"), "hello", { mode: 0o640 });
  linkSync(join(root, "d/file"), join(root, "a-link"));
  symlinkSync("../no/such", join(root, "d/dangling"));
  writeFileSync(join(root, "empty"), "");
  writeFileSync(join(root, "big"), Buffer.alloc(3_000_001, "x"));
  truncateSync(join(root, "empty"), 0);
  writeFileSync(join(root, "holey"), "begin");
  truncateSync(join(root, "holey"), 2_000_000);
  writeFileSync(Buffer.concat([Buffer.from(`${root}/n\n `), Buffer.from([0xff, 0x5c])]), "odd");
  writeFileSync(join(root, "Ünicode"), "u");
  utimesSync(join(root, "big"), 1, -1.5);
  execFileSync("mkfifo", [join(root, "fifo")]);
  execFileSync("touch", ["-d", "2001-02-03 04:05:06.123456789 UTC", join(root, "d/deep")]);
  execFileSync("setfattr", ["-n", "user.note", "-v", "a=b", join(root, "big")]);
  if (isRoot) {
    execFileSync("mknod", [join(root, "char"), "c", "300", "70000"]);
    execFileSync("mknod", [join(root, "block"), "b", "8", "1"]);
    execFileSync("chown", ["-h", "12:34", join(root, "d/dangling")]);
    execFileSync("setcap", ["cap_net_raw+ep", join(root, "holey")]);
    execFileSync("setfattr", ["-n", "security.selinux", "-v", "host", join(root, "empty")]);
  }
  return root;
}

test("a directory plays what GNU tar packs of it, byte for byte and ns for ns", async () => {
  const root = planted();
  const tar = execFileSync(
    "tar",
    ["--format=pax", "--xattrs", "--xattrs-include=*", "-C", root, "--sort=name", "-c", "."],
    { maxBuffer: 1 << 28 },
  );
  const packed = await record(
    archiveLayer("t", async function* () {
      yield await Promise.resolve(tar);
    }),
  );
  const played = await record(directoryLayer(root));
  const lines = (entries: typeof played.entries): string[] =>
    entries
      .map(({ line, contents }) =>
        `${line} ${contents}`.replace(/ ?security.selinux=\w+|\{\}/g, ""),
      )
      .map((line) => line.replace(" {}", "").replace(/ +/g, " "))
      .sort();
  expect(lines(played.entries)).toEqual(lines(packed.entries));
  expect(played.warnings).toEqual([]);
  expect(played.entries.length).toBeGreaterThan(12);
});

test("entries come sorted by bytes, parents first, the root's own first of all", async () => {
  const root = temporaryDirectory();
  for (const name of ["b", "a", "a.b", "a-"]) mkdirSync(join(root, name));
  writeFileSync(join(root, "a/x"), "");
  const { entries } = await record(directoryLayer(`${root}/`));
  expect(entries.map(({ path }) => path)).toEqual([".", "a", "a/x", "a-", "a.b", "b"]);
});

test("a socket is left out with a warning", async () => {
  const root = temporaryDirectory();
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(join(root, "s"), resolve));
  const { entries, warnings } = await record(directoryLayer(root));
  await new Promise((resolve) => server.close(resolve));
  expect(entries.map(({ path }) => path)).toEqual(["."]);
  expect(warnings).toEqual([expect.stringContaining("s is left out: a socket")]);
});

test("a file that changes its size while it is read is SOURCE_FAILED", async () => {
  for (const change of [
    (path: string) => appendFileSync(path, "more"),
    (path: string) => truncateSync(path, 10),
  ]) {
    const root = temporaryDirectory();
    const path = join(root, "f");
    writeFileSync(path, Buffer.alloc(3 << 20));
    let isChanged = false;
    const layer = directoryLayer(root);
    const visitor = {
      entry: () => undefined,
      data: () => {
        if (!isChanged) change(path);
        isChanged = true;
      },
      hole: () => undefined,
      endFile: () => undefined,
      warn: () => undefined,
    };
    await expect(layer.play(visitor)).rejects.toMatchObject({ code: "SOURCE_FAILED" });
  }
});

test("files of the calling user become root's, others stay, and the option rules", () => {
  const caller = { uid: 1000, gid: 1000 };
  const root = { uid: 0, gid: 0 };
  expect(ownerRule(undefined, caller)({ uid: 1000, gid: 100 })).toEqual(root);
  expect(ownerRule(undefined, caller)({ uid: 33, gid: 1000 })).toEqual({ uid: 33, gid: 1000 });
  expect(ownerRule(undefined, root)({ uid: 0, gid: 42 })).toEqual({ uid: 0, gid: 42 });
  expect(ownerRule("keep", caller)(caller)).toEqual(caller);
  expect(ownerRule({ uid: 5, gid: 6 }, caller)(root)).toEqual({ uid: 5, gid: 6 });
});

test("what is no directory, and an error of the disk, are clear errors", async () => {
  const root = temporaryDirectory();
  writeFileSync(join(root, "f"), "hello");
  await expect(directorySource("dir:x", join(root, "x")).open()).rejects.toMatchObject({
    code: "SOURCE_NOT_FOUND",
  });
  await expect(directorySource("dir:f", join(root, "f")).open()).rejects.toThrow(/not a directory/);
  setFaults([{ call: "read", pathPrefix: join(root, "f"), nth: 1, errno: "EIO" }]);
  await expect(record(directoryLayer(root))).rejects.toMatchObject({ code: "IO" });
  setFaults([{ call: "stat", pathPrefix: join(root, "f"), nth: 1, errno: "ENOENT" }]);
  await expect(record(directoryLayer(root))).rejects.toMatchObject({ code: "SOURCE_FAILED" });
  setFaults([]);
});

test("another file system below the directory is not entered, and said so", async () => {
  // The machine's own /sys/fs: cgroup and others are mounted below it, or nothing is.
  const { entries, warnings } = await record(directoryLayer("/dev"));
  expect(entries.some(({ path }) => path === "pts")).toBe(true);
  expect(entries.some(({ path }) => path.startsWith("pts/"))).toBe(false);
  expect(warnings.join("\n")).toContain("What is below pts is left out");
});

test("a deep tree is no matter of the stack", async () => {
  const root = temporaryDirectory();
  const depth = 1200;
  const made = spawnSync("sh", [
    "-c",
    `cd "$0"; for i in $(seq ${depth}); do mkdir d && cd d; done`,
    root,
  ]);
  expect(made.status).toBe(0);
  const { entries } = await record(directoryLayer(root));
  expect(entries).toHaveLength(depth + 1);
});

test("an output inside the directory is no part of it: neither the former nor the new one", async () => {
  const root = temporaryDirectory();
  const output = join(root, "out/app.ext4");
  mkdirSync(join(root, "out"));
  writeFileSync(join(root, "app"), "app");
  writeFileSync(output, "former");
  const { entries, warnings } = await publish(output, () => record(directoryLayer(root)));
  expect(entries.map(({ path }) => path)).toEqual([".", "app", "out"]);
  expect(warnings).toEqual([]);
  const after = await record(directoryLayer(root));
  expect(after.entries.map(({ path }) => path)).toContain("out/app.ext4");
});
