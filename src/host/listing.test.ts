import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { temporaryDirectory } from "../../test/support/temporary-directory.ts";
import { every, listDirectory } from "./listing.ts";

test("a look that fails is the last one, and ends nothing else", async () => {
  let looks = 0;
  const stop = every(5, () => {
    looks++;
    throw new Error("the disk is gone");
  });
  await sleep(60);
  stop();
  expect(looks).toBe(1);
});

test("looking goes on until it is told to stop", async () => {
  const looks: number[] = [];
  const stop = every(5, () => void looks.push(looks.length));
  await sleep(100);
  stop();
  const seen = looks.length;
  expect(seen).toBeGreaterThan(2);
  await sleep(30);
  expect(looks).toHaveLength(seen);
});

test("a directory is listed by name, without what vanished; one that is not there is empty", () => {
  const directory = temporaryDirectory();
  writeFileSync(join(directory, "b"), "12345");
  mkdirSync(join(directory, "a"));
  symlinkSync("nowhere", join(directory, "c"));
  const found = listDirectory(directory).map(({ name, isDirectory }) => [name, isDirectory]);
  expect(found).toEqual([
    ["a", true],
    ["b", false],
  ]);
  expect(listDirectory(join(directory, "none"))).toEqual([]);
});
