/** `wick pack` without -o: where the file goes, and what it leaves alone. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { wick } from "../support/cli.ts";
import { testKernel } from "../support/kernel-packages.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

test("a packed file that nobody named is called as its application, and replaces nothing", async () => {
  const cwd = temporaryDirectory();
  const { path } = await testKernel();
  await wick(["build", "-q", "bin:/bin/true", "-o", join(cwd, "app.cpio.gz")]);
  const pack = () => wick(["pack", "-q", path, "app.cpio.gz"], { cwd });
  const { status, stdout } = await pack();
  expect([status, stdout]).toEqual([0, expect.stringMatching(/^\S+\/app\.bzImage: /)]);
  expect((await wick(["inspect", "app.bzImage"], { cwd })).stdout).toContain("packed initramfs");

  writeFileSync(join(cwd, "app.bzImage"), "somebody's");
  const again = await pack();
  expect(again.status).toBe(1);
  expect(again.stderr).toMatch(
    /^error: Cannot write \S+\/app\.bzImage, .*it is there already \[USAGE\]/m,
  );
  expect(readFileSync(join(cwd, "app.bzImage"), "utf8")).toBe("somebody's");
});
