import { execFileSync } from "node:child_process";
import { mkdirSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { temporaryDirectory } from "../../test/support/temporary-directory.ts";
import { display } from "../bytes/index.ts";
import { setFaults } from "../host/index.ts";
import type { Entry, LayerVisitor } from "../tree/index.ts";
import { listSource, type ListSettings } from "./list.ts";

afterEach(() => setFaults([]));

const plain: ListSettings = {
  directory: undefined,
  anyFile: false,
  variables: {},
  mtimeSeconds: 42,
};

/** A directory with a list beside its files, and a file that is none of its own. */
function planted(list: string): { readonly root: string; readonly list: string } {
  const root = temporaryDirectory();
  mkdirSync(join(root, "app/bin"), { recursive: true });
  writeFileSync(join(root, "secret"), "secret");
  writeFileSync(join(root, "app/bin/init"), "#!init\n");
  symlinkSync("../secret", join(root, "app/link"));
  symlinkSync("bin", join(root, "app/here"));
  writeFileSync(join(root, "app/initramfs_list"), list);
  return { root, list: join(root, "app/initramfs_list") };
}

/** What a list plays, entries and contents. */
async function played(list: string, settings: Partial<ListSettings> = {}) {
  const { layers, order } = await listSource("list:x", list, { ...plain, ...settings }).open();
  const entries: (Entry & { contents: string })[] = [];
  const visitor: LayerVisitor = {
    entry: (entry) => void entries.push({ ...entry, contents: "" }),
    data: (chunk) => void (entries.at(-1)!.contents += display(chunk)),
    hole: () => undefined,
    endFile: () => undefined,
    warn: () => undefined,
  };
  for (const layer of layers) await layer.play(visitor);
  return { entries, order };
}

test("entries come in the list's order, files with their times, all else with the build's", async () => {
  const { list } = planted("file /b bin/init 755 3 4 /c\nnod /a 600 0 0 c 5 1\n");
  utimesSync(join(list, "../bin/init"), 7, 7.5);
  const { entries, order } = await played(list);
  expect(entries.map(({ type, mtime }) => [type, mtime])).toEqual([
    ["file", { seconds: 7, nanoseconds: 500_000_000 }],
    ["hardlink", { seconds: 42, nanoseconds: 0 }],
    ["char", { seconds: 42, nanoseconds: 0 }],
  ]);
  expect(entries[0]).toMatchObject({ mode: 0o755, uid: 3, gid: 4, contents: "#!init\\x0a" });
  expect(display(entries[1]!.target!)).toBe("b");
  expect(order?.map((names) => names.map(display))).toEqual([["b", "c"], ["a"]]);
});

test("a directory stands for the list in it; its files are found from anywhere", async () => {
  const { root } = planted("file /init here/../bin/init 755 0 0\n");
  expect((await played(join(root, "app"))).entries[0]?.contents).toContain("init");
  const missing = listSource("list:x", join(root, "none"), plain).open();
  await expect(missing).rejects.toMatchObject({ code: "SOURCE_NOT_FOUND" });
  const without = listSource("list:x", join(root, "app/bin"), plain).open();
  await expect(without).rejects.toThrow(/a directory without initramfs_list/);
});

const outside = { code: "PATH_ESCAPES", hint: expect.stringContaining("--list-any-file") };

test.each([
  ["an absolute path", (root: string) => join(root, "secret"), outside],
  ["a path with ..", () => "../secret", outside],
  ["a link that leads out", () => "link", outside],
  ["a variable without a value", () => "${HOME}/x", { code: "CONFIG_INVALID" }],
  ["a file that is not there", () => "bin/none", { code: "SOURCE_NOT_FOUND" }],
  ["a directory", () => "bin", { code: "SOURCE_FAILED" }],
  ["a device", () => "/dev/null", outside],
])("a stranger's list may not name %s; list and line are told", async (_, location, error) => {
  const { root, list } = planted("");
  writeFileSync(list, `dir /d 755 0 0\nfile /x ${location(root)} 644 0 0\n`);
  const message = expect.stringContaining(`Cannot use line 2 of ${list}: `);
  await expect(played(list)).rejects.toMatchObject({ message, ...error });
});

test("--list-any-file, --list-dir and --list-var each let a list name more, and no more than they say", async () => {
  const { root, list } = planted("file /x ../secret 644 0 0\n");
  expect((await played(list, { anyFile: true })).entries[0]?.contents).toBe("secret");
  writeFileSync(list, "file /x ./secret 644 0 0\n");
  expect((await played(list, { directory: root })).entries[0]?.contents).toBe("secret");

  writeFileSync(list, "file /x ${X} 644 0 0\n");
  const secret = join(root, "secret");
  expect((await played(list, { variables: { X: secret } })).entries[0]?.contents).toBe("secret");
  mkdirSync(join(root, "sec"));
  for (const [text, X] of [
    ["${X}ret", join(root, "sec")],
    ["${X}/../secret", join(root, "sec")],
  ] as const) {
    writeFileSync(list, `file /x ${text} 644 0 0\n`);
    await expect(played(list, { variables: { X } })).rejects.toMatchObject(outside);
  }
  await expect(played(list, { anyFile: true, variables: { X: "/dev/null" } })).rejects.toThrow(
    /line 1 of/,
  );
});

test("a file that may not be looked at is told with its line", async () => {
  const { root, list } = planted("dir /d 755 0 0\nfile /x bin/init 644 0 0\n");
  setFaults([{ call: "stat", pathPrefix: join(root, "app/bin"), nth: 1, errno: "EACCES" }]);
  await expect(played(list)).rejects.toMatchObject({
    code: "PERMISSION",
    message: expect.stringMatching(
      /bin\/init: permission denied .* \(line 2 of .*initramfs_list\)/,
    ),
  });
});

test("a file that changes meanwhile is told with its line", async () => {
  const { list } = planted("dir /d 755 0 0\nfile /x bin/init 644 0 0\n");
  const contents = await listSource("list:x", list, plain).open();
  writeFileSync(join(list, "../bin/init"), "another size");

  const visitor = {
    entry: () => {},
    data: () => {},
    hole: () => {},
    endFile: () => {},
    warn: () => {},
  };
  await expect(contents.layers[0]!.play(visitor)).rejects.toThrow(
    /became longer meanwhile \(line 2 of/,
  );
});

test("a list that is a FIFO is refused, and not waited for", async () => {
  const path = join(temporaryDirectory(), "list");
  execFileSync("mkfifo", [path]);
  await expect(listSource("list:./list", path, plain).open()).rejects.toMatchObject({
    code: "SOURCE_FAILED",
  });
});
