import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { utf8 } from "../bytes/index.ts";
import { decodeRecords } from "../guest/index.ts";
import { buildInitrd, type InitrdContents } from "./initrd.ts";

const contents: InitrdContents = {
  init: utf8("the init"),
  modules: [
    { name: "virtio", bytes: utf8("v") },
    { name: "ext4", bytes: utf8("e4") },
  ],
  boot: { overlay: "tmpfs", rootWaitMs: 5000 },
  runFiles: [
    { path: ".wick/run.json", bytes: utf8("{}") },
    { path: ".wick/run.rec", bytes: utf8("odd") },
  ],
};

/** What bsdtar lists of one archive. */
function listing(archive: Uint8Array): string[] {
  const lines = execFileSync("bsdtar", ["-tvf", "-"], { input: archive }).toString().trim();
  return lines.split("\n").map((line) => line.replace(/\s+/g, " "));
}

/** Where the second archive begins: behind the first one's trailer and its padding. */
function secondArchive(bytes: Uint8Array): number {
  const trailer = Buffer.from(bytes).indexOf("TRAILER!!!");
  return Buffer.from(bytes).indexOf("070701", trailer);
}

test("an initramfs is two archives: the same base for every run, and this run's files", () => {
  const bytes = buildInitrd(contents);
  const at = secondArchive(bytes);
  expect(at % 4).toBe(0);
  const words = (lines: readonly string[]): string[] =>
    lines.map((line) => `${line.split(" ")[0]} ${line.split(" ").at(-1)}`);
  expect(words(listing(bytes.subarray(0, at)))).toEqual([
    "drwxr-xr-x dev",
    "crw------- dev/console",
    "drwx------ .wick",
    "-rw------- .wick/boot.rec",
    "drwx------ .wick/modules",
    "-rw-r--r-- .wick/modules/virtio.ko",
    "-rw-r--r-- .wick/modules/ext4.ko",
    "-rwxr-xr-x init",
  ]);
  expect(words(listing(bytes.subarray(at)))).toEqual([
    "-rw------- .wick/run.json",
    "-rw------- .wick/run.rec",
  ]);
});

test("boot.rec lists the modules in load order beside stage 1's instructions", () => {
  const bytes = buildInitrd(contents);
  const archive = bytes.subarray(0, secondArchive(bytes));
  const records = execFileSync("bsdtar", ["-xOf", "-", ".wick/boot.rec"], { input: archive });
  expect(decodeRecords(records)).toMatchObject({
    overlay: "tmpfs",
    rootWaitMs: 5000,
    modules: ["/.wick/modules/virtio.ko", "/.wick/modules/ext4.ko"],
  });
});

test("the same contents give the same bytes; another run changes only what is behind the base", () => {
  const first = buildInitrd(contents);
  expect(buildInitrd(contents)).toEqual(first);
  const other = buildInitrd({ ...contents, runFiles: [] });
  const at = secondArchive(first);
  expect(other.subarray(0, at)).toEqual(first.subarray(0, at));
});
