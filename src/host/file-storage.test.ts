import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { temporaryDirectory } from "../../test/support/temporary-directory.ts";
import { FileStorage } from "./file-storage.ts";

test("a file is made anew by another hand, and is open then; what fails leaves it empty", async () => {
  const directory = temporaryDirectory();
  const path = join(directory, "file");
  using storage = new FileStorage(path, "create");
  storage.writeAt(Buffer.from("before"), 0);
  await storage.remake(async (at) => {
    expect(existsSync(at)).toBe(false);
    writeFileSync(at, "made anew");
    await Promise.resolve();
  });
  storage.writeAt(Buffer.from("M"), 0);
  expect(readFileSync(path, "utf8")).toBe("Made anew");
  const failing = storage.remake(async (at) => {
    writeFileSync(at, "half");
    await Promise.reject(new Error("no"));
  });
  await expect(failing).rejects.toThrow("no");
  expect(storage.sizeBytes).toBe(0);
  storage.writeAt(Buffer.from("by hand"), 0);
  expect(readFileSync(path, "utf8")).toBe("by hand");
});
