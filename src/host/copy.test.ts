import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import { temporaryDirectory } from "../../test/support/temporary-directory.ts";
import { copyContents } from "./copy.ts";
import { writePrivateFile } from "./files.ts";

afterEach(() => void vi.unstubAllEnvs());

/** A directory whose `cp` fails: what is copied then is copied by hand. */
function failingCp(): string {
  const directory = temporaryDirectory();
  writeFileSync(join(directory, "cp"), "#!/bin/sh\nexit 1\n", { mode: 0o755 });
  return directory;
}

test.each([
  ["with the host's cp", () => process.env["PATH"] ?? ""],
  ["by hand", failingCp],
])("a private file is filled and stays private, %s", async (_, path) => {
  vi.stubEnv("PATH", path());
  const directory = temporaryDirectory();
  const [from, to] = [join(directory, "from"), join(directory, "to")];
  const bytes = Buffer.concat([Buffer.from("begin"), Buffer.alloc(3 << 20), Buffer.from("end")]);
  writeFileSync(from, bytes, { mode: 0o644 });
  writePrivateFile(to, Buffer.from("what was there before"));
  await copyContents(from, to);
  expect(readFileSync(to).equals(bytes)).toBe(true);
  expect(statSync(to).mode & 0o777).toBe(0o600);
});

test.each([
  ["with the host's cp", () => process.env["PATH"] ?? ""],
  ["by hand", failingCp],
])("a file that is not there is made, %s", async (_, path) => {
  vi.stubEnv("PATH", path());
  const directory = temporaryDirectory();
  const [from, to] = [join(directory, "from"), join(directory, "to")];
  writeFileSync(from, Buffer.concat([Buffer.from("begin"), Buffer.alloc(1 << 20)]));
  await copyContents(from, to);
  expect(readFileSync(to).equals(readFileSync(from))).toBe(true);
});
