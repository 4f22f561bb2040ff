import { execFileSync } from "node:child_process";
import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { temporaryDirectory } from "../../test/support/temporary-directory.ts";
import type { FileStorage } from "./file-storage.ts";
import { setFaults } from "./faults.ts";
import { publish } from "./publish.ts";

afterEach(() => setFaults([]));

const writing = (text: string) => (storage: FileStorage) => storage.writeAt(Buffer.from(text), 0);

test("a file appears whole, with the permissions asked for, and replaces what was there", async () => {
  const directory = temporaryDirectory();
  const path = join(directory, "image");
  await publish(path, writing("one"));
  expect(lstatSync(path).mode & 0o777).toBe(0o666 & ~process.umask());
  await publish(path, writing("two"), { mode: 0o600 });
  expect([readFileSync(path, "utf8"), lstatSync(path).mode & 0o777]).toEqual(["two", 0o600]);
  expect(readdirSync(directory)).toEqual(["image"]);
});

test("a failure at any step leaves the former file and nothing beside it", async () => {
  const directory = temporaryDirectory();
  const path = join(directory, "image");
  writeFileSync(path, "old");
  for (const call of ["open", "write", "fsync", "rename"] as const) {
    setFaults([{ call, pathPrefix: directory, nth: 1, errno: "ENOSPC" }]);
    await expect(publish(path, writing("new"))).rejects.toMatchObject({ code: "DISK_FULL" });
    expect([readdirSync(directory), readFileSync(path, "utf8")]).toEqual([["image"], "old"]);
  }
});

test("the disk is waited for unless what was written need not last", async () => {
  const path = join(temporaryDirectory(), "image");
  const lasting = { mustLast: (result: string) => result === "new" };
  const write = (result: string) => (storage: FileStorage) => {
    writing(result)(storage);
    return result;
  };
  setFaults([{ call: "fsync", pathPrefix: "/", nth: 1, errno: "EIO", persistent: true }]);
  expect(await publish(path, write("copied"), lasting)).toBe("copied");
  expect(readFileSync(path, "utf8")).toBe("copied");
  await expect(publish(path, write("new"), lasting)).rejects.toMatchObject({ code: "IO" });
  expect(readFileSync(path, "utf8")).toBe("copied");
});

test("a link stays a link: the file that it names is replaced", async () => {
  const directory = temporaryDirectory();
  mkdirSync(join(directory, "disk"));
  writeFileSync(join(directory, "disk/image"), "old");
  symlinkSync("disk/image", join(directory, "link"));
  await publish(join(directory, "link"), writing("new"));
  expect(lstatSync(join(directory, "link")).isSymbolicLink()).toBe(true);
  expect(readFileSync(join(directory, "disk/image"), "utf8")).toBe("new");
  expect(readdirSync(join(directory, "disk"))).toEqual(["image"]);
});

test("what is no regular file is refused before anything is written, and stays", async () => {
  const directory = temporaryDirectory();
  execFileSync("mkfifo", [join(directory, "pipe")]);
  mkdirSync(join(directory, "directory"));
  const never = (): never => expect.unreachable();
  for (const [name, words] of [
    ["pipe", "a device, pipe or socket"],
    ["directory", "a directory"],
  ] as const) {
    await expect(publish(join(directory, name), never)).rejects.toMatchObject({
      code: "USAGE",
      message: `Cannot write ${join(directory, name)}: it is ${words}, wanted a file`,
    });
  }
  expect(lstatSync(join(directory, "pipe")).isFIFO()).toBe(true);
});
