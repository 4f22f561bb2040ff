/** EROFS and squashfs built twice, each time from nothing, and by an ordinary user. */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { wick, type CliOptions } from "../support/cli.ts";
import { ordinaryUser } from "../support/ordinary-user.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const isRoot = process.getuid?.() === 0;
let undo: () => void = () => undefined;
afterEach(() => {
  undo();
  undo = () => undefined;
});

/** A tar archive of one program; its identity is not known beforehand, so nothing is cached. */
function archive(): Buffer {
  const directory = temporaryDirectory();
  mkdirSync(join(directory, "bin"), { recursive: true });
  writeFileSync(join(directory, "bin/app"), "#!/bin/sh\n", { mode: 0o755 });
  for (let i = 0; i < 50; i++) writeFileSync(join(directory, `file ${i}`), `${i}`.repeat(i * 300));
  const how = ["--sort=name", "--owner=0", "--group=0", "--mtime=2020-01-01"];
  return execFileSync("tar", ["-c", ...how, "-C", directory, "."]);
}

/** Builds the archive and gives the image's path. */
async function built(
  format: string,
  stdin: Buffer,
  { words = [], ...options }: CliOptions & { readonly words?: readonly string[] } = {},
): Promise<string> {
  const directory = temporaryDirectory();
  chmodSync(directory, 0o777);
  const output = join(directory, `x.${format}`);
  const args = ["build", "--entrypoint", "/bin/app", ...words, "-o", output, "tar:-"];
  const result = await wick(args, { ...options, stdin });
  expect(result.status, result.stderr).toBe(0);
  return output;
}

const sha256 = (path: string): string =>
  createHash("sha256").update(readFileSync(path)).digest("hex");

test.each(["erofs", "squashfs"])("the same archive gives the same %s", async (format) => {
  const stdin = archive();
  const one = sha256(await built(format, stdin));
  const elsewhere = { env: { TZ: "Pacific/Chatham", LC_ALL: "C" }, cwd: temporaryDirectory() };
  expect(sha256(await built(format, stdin, elsewhere))).toBe(one);
  const words = ["-e", "A=1"];
  expect(sha256(await built(format, stdin, { words }))).not.toBe(one);
});

test.skipIf(!isRoot)(
  "an ordinary user gets root's EROFS, and a squashfs whose root is root's",
  async () => {
    const user = ordinaryUser();
    undo = () => user.remove();
    const stdin = archive();
    const his = { ...user, cwd: user.home };
    expect(sha256(await built("erofs", stdin, his))).toBe(sha256(await built("erofs", stdin)));
    const one = await built("squashfs", stdin, his);
    expect(sha256(await built("squashfs", stdin, his))).toBe(sha256(one));
    const listed = execFileSync("unsquashfs", ["-lln", one], { encoding: "utf8" });
    expect(listed).toMatch(/^d\S+ 0\/0 .* squashfs-root$/m);
    expect(listed).not.toContain("65534");
  },
);
