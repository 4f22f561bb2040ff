import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { record } from "../../test/support/record.ts";
import { temporaryDirectory } from "../../test/support/temporary-directory.ts";
import { tarSource } from "./tar.ts";

function planted(): { directory: string; tar: string } {
  const directory = temporaryDirectory();
  mkdirSync(join(directory, "t/etc"), { recursive: true });
  writeFileSync(join(directory, "t/etc/name"), "wick");
  writeFileSync(join(directory, "t/big"), readFileSync(process.execPath).subarray(0, 1 << 20));
  const tar = join(directory, "t.tar");
  execFileSync("tar", ["-C", join(directory, "t"), "-cf", tar, "."]);
  return { directory, tar };
}

async function paths(path: string): Promise<string[]> {
  const { layers } = await tarSource(`tar:${path}`, path).open();
  const { entries } = await record(layers[0]!);
  return entries.map(({ line }) => line.split(" ").slice(4).join(" ")).sort();
}

test("a tar file is read whatever it is packed with, and whatever it is called", async () => {
  const { directory, tar } = planted();
  const plain = [".", "big", "etc", "etc/name"];
  expect(await paths(tar)).toEqual(plain);
  for (const tool of ["gzip", "zstd", "xz", "bzip2", "lz4"]) {
    const packed = join(directory, "misleading.tar");
    writeFileSync(packed, execFileSync(tool, ["-c", tar]));
    expect(await paths(packed)).toEqual(plain);
  }
});

test("the file may be named by a link", async () => {
  const { directory, tar } = planted();
  const link = join(directory, "newest.tar");
  symlinkSync(tar, link);
  expect(await paths(link)).toEqual(await paths(tar));
});

test("no such file, a directory, and what is no tar are errors that name the file", async () => {
  const { directory, tar } = planted();
  await expect(paths(join(directory, "none.tar"))).rejects.toMatchObject({
    code: "SOURCE_NOT_FOUND",
  });
  await expect(paths(directory)).rejects.toMatchObject({
    hint: `for a directory: dir:${directory}`,
  });
  const text = join(directory, "text.tar");
  writeFileSync(text, "not an archive at all, but a text".repeat(100));
  await expect(paths(text)).rejects.toMatchObject({
    code: "ARCHIVE_INVALID",
    message: expect.stringContaining(`(in ${text})`),
  });
  writeFileSync(text, readFileSync(tar).subarray(0, 600_000));
  await expect(paths(text)).rejects.toMatchObject({ code: "ARCHIVE_INVALID" });
  writeFileSync(text, execFileSync("gzip", ["-c", tar]).subarray(0, 100_000));
  await expect(paths(text)).rejects.toMatchObject({ code: "COMPRESSION_INVALID" });
});
