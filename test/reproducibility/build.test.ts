import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { wick, type CliOptions } from "../support/cli.ts";
import { ordinaryUser } from "../support/ordinary-user.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const sha256 = (path: string): string =>
  createHash("sha256").update(readFileSync(path)).digest("hex");
const isRoot = process.getuid?.() === 0;
let undo: () => void = () => undefined;
afterEach(() => undo());

/** Builds by these words and gives the image's digest. */
async function digestOf(words: readonly string[], options: CliOptions = {}): Promise<string> {
  const directory = temporaryDirectory();
  chmodSync(directory, 0o777);
  const output = join(directory, "x.ext4");
  const result = await wick(["build", ...words, "-o", output], options);
  expect(result.status, result.stderr).toBe(0);
  return sha256(output);
}

test("the same packages give the same bytes in another directory, time zone, umask and locale", async () => {
  const words = ["deb:nginx-light"];
  const plain = await digestOf(words);
  const elsewhere = await digestOf(words, {
    cwd: temporaryDirectory(),
    env: { TZ: "Pacific/Chatham", LC_ALL: "C", LANG: "tr_TR.UTF-8" },
    prefix: ["sh", "-c", 'umask 077; exec "$@"', "sh"],
  });
  expect(elsewhere).toBe(plain);
  expect(await digestOf([...words, "-e", "A=1"])).not.toBe(plain);
  expect(await digestOf([...words, "--size", "400m"])).not.toBe(plain);
});

test("the same tar gives the same bytes, from a file and from a pipe; another does not", async () => {
  const directory = temporaryDirectory();
  mkdirSync(join(directory, "tree/bin"), { recursive: true });
  writeFileSync(join(directory, "tree/bin/app"), "#!/bin/sh\n", { mode: 0o755 });
  const tar = (...flags: string[]): Buffer =>
    execFileSync("tar", ["-c", ...flags, "--sort=name", "-C", join(directory, "tree"), "."]);
  const file = join(directory, "tree.tar");
  writeFileSync(file, tar());
  const flags = ["--entrypoint", "/bin/app"];
  const fromFile = await digestOf([...flags, `tar:${file}`]);
  expect(await digestOf([...flags, "tar:-"], { stdin: tar() })).toBe(fromFile);
  expect(await digestOf([...flags, "tar:-"], { stdin: tar("--mtime=2020-01-01") })).not.toBe(
    fromFile,
  );
});

test.skipIf(!isRoot)(
  "a directory gives the same bytes to root and to the user who owns it",
  async () => {
    const user = ordinaryUser();
    undo = () => user.remove();
    const tree = join(user.home, "tree");
    execFileSync(user.prefix[0]!, [
      ...user.prefix.slice(1),
      "sh",
      "-c",
      'mkdir -p "$0/bin" && echo "#!/bin/sh" > "$0/bin/app" && chmod 755 "$0/bin/app" && ln -s app "$0/bin/link" && touch -d 2020-01-01T00:00:00.5 "$0" "$0/bin/app" "$0/bin"',
      tree,
    ]);
    const words = ["--entrypoint", "/bin/app", `dir:${tree}`];
    const owned = await digestOf(words, { ...user, cwd: user.home });
    // Root keeps owners; told that all is root's, he builds the very same.
    expect(await digestOf([...words, "--owner", "0:0"])).toBe(owned);
  },
);

test("an image that is built twice at once is whole, and the same, both times", async () => {
  const both = await Promise.all([
    digestOf(["deb:busybox-static"]),
    digestOf(["deb:busybox-static"]),
  ]);
  expect(both[0]).toBe(both[1]);
});
