import { mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { temporaryDirectory } from "../../test/support/temporary-directory.ts";
import { setFaults } from "./faults.ts";
import { publishDirectory } from "./publish-directory.ts";

afterEach(() => setFaults([]));

const fillWith =
  (text: string) =>
  (directory: string): Promise<void> => {
    writeFileSync(join(directory, "file"), text);
    return Promise.resolve();
  };

test("a directory appears whole, and replaces what was there", async () => {
  const parent = temporaryDirectory();
  const path = join(parent, "deep", "kernel");
  await publishDirectory(path, fillWith("one"));
  await publishDirectory(path, fillWith("two"));
  expect(readFileSync(join(path, "file"), "utf8")).toBe("two");
  expect(readdirSync(join(parent, "deep"))).toEqual(["kernel"]);
});

test("a failure while it is filled leaves what was there, and nothing else", async () => {
  const parent = temporaryDirectory();
  const path = join(parent, "kernel");
  mkdirSync(path);
  writeFileSync(join(path, "file"), "old");
  await expect(publishDirectory(path, () => Promise.reject(new Error("full")))).rejects.toThrow();
  expect(readFileSync(join(path, "file"), "utf8")).toBe("old");
  expect(readdirSync(parent)).toEqual(["kernel"]);
});

test("a failing rename is one error, and the temporary goes", async () => {
  const parent = temporaryDirectory();
  setFaults([{ call: "rename", pathPrefix: parent, nth: 1, errno: "EIO" }]);
  await expect(publishDirectory(join(parent, "k"), fillWith("x"))).rejects.toThrow(/publish/);
  expect(readdirSync(parent)).toEqual([]);
});
