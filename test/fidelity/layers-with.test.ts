/** Images below and on top of other sources, by the command line. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { wick } from "../support/cli.ts";
import { debugfs, e2fsck } from "../support/ext4-image.ts";
import { writeLayout } from "../support/oci-layout.ts";
import { archive, file, header } from "../support/tar-builder.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

/** An image that deletes a file of its own, and a directory beside it that has files of those names. */
function sources(): { readonly layout: string; readonly directory: string } {
  const at = temporaryDirectory();
  const directory = join(at, "directory");
  mkdirSync(join(directory, "etc"), { recursive: true });
  writeFileSync(join(directory, "etc", "deleted"), "of the directory");
  writeFileSync(join(directory, "etc", "both"), "of the directory");
  const etc = header({ name: "etc/", typeflag: "5", mode: 0o751 });
  const lower = archive(etc, file("etc/deleted", "of the image"), file("etc/own", "kept"));
  const upper = archive(etc, file("etc/.wh.deleted"), file("etc/both", "of the image"));
  const layout = join(at, "layout");
  writeLayout(layout, [{ name: "v1", layers: [lower, upper] }]);
  return { layout, directory };
}

async function build(...words: string[]): Promise<string> {
  const at = temporaryDirectory();
  const path = join(at, "x.ext4");
  // A store of its own: nothing is there that was built before.
  const options = { env: { WICK_CACHE: join(at, "cache") } };
  const result = await wick(["build", "--init", "none", ...words, "-o", path], options);
  expect(result.status, result.stderr).toBe(0);
  expect(e2fsck(path)).toMatchObject({ status: 0 });
  return path;
}

const contents = (path: string, name: string): string => debugfs(path, `cat ${name}`);

test("an image on top takes away nothing of the source below, and its files win", async () => {
  const { layout, directory } = sources();
  const path = await build(`dir:${directory}`, "--with", `oci:${layout}:v1`);
  expect(contents(path, "/etc/deleted")).toContain("of the directory");
  expect(contents(path, "/etc/both")).toContain("of the image");
  expect(contents(path, "/etc/own")).toContain("kept");
  expect(debugfs(path, "stat /etc")).toMatch(/Mode: +0751/);
});

test("below another source an image has deleted what it deletes, and what is on top wins", async () => {
  const { layout, directory } = sources();
  const alone = await build(`oci:${layout}:v1`);
  expect(contents(alone, "/etc/deleted")).toContain("File not found");
  const path = await build(`oci:${layout}:v1`, "--with", `dir:${directory}`);
  expect(contents(path, "/etc/deleted")).toContain("of the directory");
  expect(contents(path, "/etc/both")).toContain("of the directory");
});

test("the same image gives the same bytes, wherever its layout is", async () => {
  const first = await build(`oci:${sources().layout}:v1`);
  const second = await build(`oci:${sources().layout}:v1`);
  expect(readFileSync(first).equals(readFileSync(second))).toBe(true);
});
