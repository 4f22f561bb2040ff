/** A compressed initramfs is what its bytes say, under any name; test/boot/initramfs.test.ts boots some. */
import { execFileSync } from "node:child_process";
import { copyFileSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { wick } from "../support/cli.ts";
import { lastingDirectory } from "../support/temporary-directory.ts";

let work: string;
const at = (name: string): string => join(work, name);
const sh = (script: string): Buffer => execFileSync("sh", ["-ec", script], { cwd: work });

/** The program that packs, and the name that its file gets. */
const files = [
  ["gzip", "initrd.img-6.1.0"],
  ["zstd -q", "archive"],
  ["xz --check=crc32", "photograph.jpg"],
  ["lz4 -q -l", "server.lz4"],
] as const;

beforeAll(() => {
  work = lastingDirectory();
  sh("mkdir -p root/etc; echo 'int main(void) { return 0; }' > a.c; cc -static -o root/init a.c");
  writeFileSync(at("root/etc/motd"), "hello\n");
  sh("cd root; find . | cpio -o -H newc --quiet -R 0:0 > ../plain");
  for (const [command, name] of files) sh(`${command} -c < plain > ${name}`);
  sh("tar -cf - root | gzip > tree");
});

test.each(files)("%s: inspect, ls, cat and check take it as %s", async (_, name) => {
  const inspected = await wick(["inspect", "--json", at(name)]);
  expect(JSON.parse(inspected.stdout)).toMatchObject({ format: "initramfs" });
  expect((await wick(["ls", at(name), "/etc"])).stdout).toContain("motd");
  expect((await wick(["cat", at(name), "/etc/motd"])).stdout).toBe("hello\n");
  const checked = await wick(["check", "-q", at(name)]);
  expect([checked.status, checked.stdout]).toEqual([0, expect.stringContaining("/dev/console")]);
});

test("build says that it is finished", async () => {
  const [, [, archive]] = files;
  const built = await wick(["build", "-q", at(archive), "-o", at("out.ext4")]);
  expect([built.status, built.stderr]).toEqual([
    1,
    expect.stringMatching(/archive: a finished image, wanted a source.*\[UNSUPPORTED\]/s),
  ]);
  // The bare word of a file with such an end is no image of a registry's.
  const bare = await wick(["build", "-q", "server.lz4", "-o", "out.ext4"], { cwd: work });
  expect(bare.stderr).toContain("server.lz4: a finished image");
});

test("a compressed tar stays a tree, and one that is cut is refused by what it is taken for", async () => {
  const built = await wick(["build", "-q", "--init", "none", at("tree"), "-o", at("tree.ext4")]);
  expect(built.status, built.stderr).toBe(0);
  expect((await wick(["cat", at("tree.ext4"), "/root/etc/motd"])).stdout).toBe("hello\n");
  copyFileSync(at("archive"), at("cut"));
  truncateSync(at("cut"), readFileSync(at("archive")).length - 9);
  const cut = await wick(["check", "-q", at("cut")]);
  expect([cut.status, cut.stderr]).toEqual([1, expect.stringMatching(/\[COMPRESSION_INVALID\]/)]);
  writeFileSync(at("cut"), readFileSync(at("archive")).subarray(0, 12));
  const short = await wick(["run", "-q", at("cut")]);
  expect([short.status, short.stderr]).toEqual([125, expect.stringMatching(/truncated/)]);
});
