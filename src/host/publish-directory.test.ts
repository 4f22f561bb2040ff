import {
  mkdirSync,
  readFileSync,
  readdirSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { temporaryDirectory } from "../../test/support/temporary-directory.ts";
import { setFaults } from "./faults.ts";
import { checkOutputDirectory, publishDirectory } from "./publish-directory.ts";

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

test.each([1, 2])("where rename %i fails, what was there before is there", async (nth) => {
  const parent = temporaryDirectory();
  const path = join(parent, "k");
  await publishDirectory(path, fillWith("old"));
  setFaults([{ call: "rename", pathPrefix: parent, nth, errno: "EIO" }]);
  await expect(publishDirectory(path, fillWith("new"))).rejects.toThrow(/Cannot (move|publish)/);
  expect(readFileSync(join(path, "file"), "utf8")).toBe("old");
  expect(readdirSync(parent)).toEqual(["k"]);
});

test("where the former one cannot come back either, it is not lost", async () => {
  const parent = temporaryDirectory();
  const path = join(parent, "k");
  await publishDirectory(path, fillWith("old"));
  setFaults([{ call: "rename", pathPrefix: path, nth: 1, errno: "EIO", persistent: true }]);
  await expect(publishDirectory(path, fillWith("new"))).rejects.toThrow(/Cannot move .*wick-old-/);
  const [former] = readdirSync(parent);
  expect(readFileSync(join(parent, former!, "file"), "utf8")).toBe("old");
});

test("a mode is given less the user's umask; a claim lasts until all is done", async () => {
  const parent = temporaryDirectory();
  const path = join(parent, "k");
  const seen: string[] = [];
  const claim = async (temporary: string): Promise<Disposable> => {
    seen.push(temporary);
    return { [Symbol.dispose]: () => void seen.push(readdirSync(parent).join()) };
  };
  await publishDirectory(path, fillWith("x"), { mode: 0o777, claim });
  expect(statSync(path).mode & 0o777).toBe(0o777 & ~process.umask());
  expect(seen).toEqual([expect.stringContaining("wick-new-"), "k"]);
});

test("what holds anything else is not replaced, nor is a file or a link", () => {
  const parent = temporaryDirectory();
  const at = (name: string): string => join(parent, name);
  mkdirSync(at("empty"));
  mkdirSync(at("ours/files"), { recursive: true });
  mkdirSync(at("theirs/files"), { recursive: true });
  writeFileSync(at("ours/list"), "");
  mkdirSync(at("alike/files"), { recursive: true });
  writeFileSync(at("theirs/notes"), "");
  symlinkSync("empty", at("link"));
  const kind = { names: ["list", "files"], mark: "list", option: "-o" };
  const check = (name: string): void => checkOutputDirectory(at(name), kind);
  for (const name of ["empty", "ours", "new"]) expect(() => check(name)).not.toThrow();
  expect(() => check("theirs")).toThrow(/it holds notes, wanted an empty or new one/);
  // Only names that ours may have, but not the one that ours always has.
  expect(() => check("alike")).toThrow(/it holds files, wanted .* with list in it/);
  const mounted = { names: readdirSync("/sys"), mark: "kernel", option: "--bundle" };
  expect(() => checkOutputDirectory("/sys", mounted)).toThrow(/a file system is mounted there/);
  expect(() => check("theirs/notes")).toThrow(/it is no directory, wanted a directory/);
  expect(() => check("link")).toThrow(/it is a link/);
  expect(() => check("none/new")).toThrow(/there is no directory .*none/);
});
