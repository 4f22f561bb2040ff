/** What a stranger put where wick writes is never written through. */
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  lchownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { FileStorage, publish, temporaryDirectory as madeByWick } from "../../src/host/index.ts";
import { wick } from "../support/cli.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

/** A directory with a tar of one program in it. */
function withTar(): string {
  const directory = temporaryDirectory();
  mkdirSync(join(directory, "tree"));
  writeFileSync(join(directory, "tree/app"), Buffer.alloc(1 << 20, 7), { mode: 0o4755 });
  execFileSync("tar", ["-cf", join(directory, "x.tar"), "-C", join(directory, "tree"), "."]);
  return directory;
}

const wordsFor = (directory: string, output: string): string[] => [
  "build",
  "--init",
  "none",
  `tar:${join(directory, "x.tar")}`,
  "-o",
  output,
];

test("a dangling link at the output's name is replaced: what it names is not made", async () => {
  const directory = withTar();
  const output = join(temporaryDirectory(), "x.ext4");
  symlinkSync(join(directory, "dangling"), output);
  expect((await wick(wordsFor(directory, output))).status).toBe(0);
  expect(lstatSync(output).isFile()).toBe(true);
  expect(existsSync(join(directory, "dangling"))).toBe(false);
});

test("a file that the output's name leads to is replaced, never written into", async () => {
  const directory = withTar();
  const out = temporaryDirectory();
  const named = join(directory, "named");
  writeFileSync(named, "former");
  linkSync(named, join(directory, "other name"));
  symlinkSync(named, join(out, "x.ext4"));
  expect((await wick(wordsFor(directory, join(out, "x.ext4")))).status).toBe(0);
  expect(readFileSync(join(directory, "other name"), "utf8")).toBe("former");
  expect(readdirSync(out)).toEqual(["x.ext4"]);
});

test("a directory at the output's name is one error, and nothing is left in or beside it", async () => {
  const directory = withTar();
  const out = temporaryDirectory();
  const inside = join(out, "directory");
  mkdirSync(inside);
  const refused = await wick(wordsFor(directory, inside));
  expect(refused.status).toBe(1);
  expect(refused.stderr.match(/^error: /gm)).toHaveLength(1);
  expect(readdirSync(out)).toEqual(["directory"]);
  expect(readdirSync(inside)).toEqual([]);
});

test.skipIf(process.getuid?.() !== 0)(
  "a stranger's link in a directory for everybody is not followed, one's own is",
  async () => {
    const open = temporaryDirectory();
    chmodSync(open, 0o1777);
    const victim = join(temporaryDirectory(), "victim");
    writeFileSync(victim, "of somebody");
    const planted = join(open, "x.ext4");
    symlinkSync(victim, planted);
    lchownSync(planted, 65534, 65534);
    const write = (): Promise<void> =>
      publish(planted, (storage) => storage.writeAt(Buffer.from("new"), 0));
    await expect(write()).rejects.toMatchObject({ code: "PERMISSION" });
    expect(readFileSync(victim, "utf8")).toBe("of somebody");
    lchownSync(planted, 0, 0);
    await write();
    expect(readFileSync(victim, "utf8")).toBe("new");
    expect(readlinkSync(planted)).toBe(victim);
  },
);

test("a temporary's name that is taken, by a link too, is an error and not a target", () => {
  const directory = temporaryDirectory();
  const victim = join(directory, "victim");
  const taken = join(directory, "taken");
  symlinkSync(victim, taken);
  expect(() => new FileStorage(taken, "create")).toThrow(/EEXIST|exists/);
  expect(existsSync(victim)).toBe(false);
  expect(readlinkSync(taken)).toBe(victim);
});

test("no two temporaries have one name, and each is its owner's alone, whatever the umask", () => {
  const former = process.umask(0);
  try {
    const names = new Set<string>();
    for (let i = 0; i < 50; i++) {
      using made = madeByWick("p2");
      names.add(made.path);
      expect(lstatSync(made.path).mode & 0o777).toBe(0o700);
    }
    expect(names.size).toBe(50);
  } finally {
    process.umask(former);
  }
});

test("a file under way is its owner's alone, under another name each time, whatever the umask", async () => {
  const directory = temporaryDirectory();
  const former = process.umask(0);
  const names = new Set<string>();
  try {
    for (let i = 0; i < 5; i++) {
      await publish(join(directory, "x"), (storage) => {
        storage.writeAt(Buffer.from("secret"), 0);
        const [name, ...others] = readdirSync(directory).filter((found) => found !== "x");
        expect(others).toEqual([]);
        names.add(name!);
        expect(lstatSync(join(directory, name!)).mode & 0o777).toBe(0o600);
      });
    }
    expect(names.size).toBe(5);
    expect(readdirSync(directory)).toEqual(["x"]);
  } finally {
    process.umask(former);
  }
});
