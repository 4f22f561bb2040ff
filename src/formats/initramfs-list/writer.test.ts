import { expect, test } from "vitest";
import { display, utf8 } from "../../bytes/index.ts";
import { initramfsListLine, readInitramfsList, type ListEntry } from "./index.ts";

const owner = { mode: 0o4755, uid: 7, gid: 8 };
const file = (names: readonly [string, ...string[]], location = "/src/f"): ListEntry => {
  const [first, ...links] = names.map(utf8);
  return { ...owner, kind: "file", names: [first!, ...links], location: utf8(location) };
};

const entries: readonly (readonly [string, ListEntry])[] = [
  ["file /a /src/f 4755 7 8 /#b /c/é\n", file(["a", "#b", "c/é"])],
  ["dir . 4755 7 8\n", { ...owner, kind: "directory", names: [utf8(".")] }],
  ["dir /d 0000 7 8\n", { ...owner, mode: 0, kind: "directory", names: [utf8("d")] }],
  [
    "slink /l ../#t 4755 7 8\n",
    { ...owner, kind: "symlink", names: [utf8("l")], target: utf8("../#t") },
  ],
  ["pipe /p 4755 7 8\n", { ...owner, kind: "fifo", names: [utf8("p")] }],
  ["sock /s 4755 7 8\n", { ...owner, kind: "socket", names: [utf8("s")] }],
  [
    "nod /n 4755 7 8 b 254 3\n",
    { ...owner, kind: "block", names: [utf8("n")], rdev: { major: 254, minor: 3 } },
  ],
  [
    "nod /c 4755 7 8 c 5 1\n",
    { ...owner, kind: "char", names: [utf8("c")], rdev: { major: 5, minor: 1 } },
  ],
];

test.each(entries)("%j is an entry's line, and is read as that entry", (line, entry) => {
  expect(display(initramfsListLine(entry))).toBe(line.replace("\n", "\\x0a"));
  const { kind, names, mode, uid, gid } = entry;
  const [read] = readInitramfsList(initramfsListLine(entry), "l");
  expect(read).toMatchObject({ line: 1, kind, names: [...names], mode, uid, gid });
  expect(read?.target).toEqual(entry.target);
  expect(read?.rdev).toEqual(entry.rdev);
  expect(read?.location).toEqual(entry.location);
});

test.each([
  ["a space", file(["a b"]), /Cannot list "\/a b": its name holds a space, which ends a word/],
  ["a newline and a line", file(["x\nfile /stolen /etc/shadow"]), /holds a newline/],
  ["a form feed", file(["x\fy"]), /holds a form feed/],
  ["a variable", file(["${HOME}"]), /holds a \$\{, which begins a variable/],
  ["a space in a further name", file(["a", "b c"]), /"\/b c": its name holds a space/],
  ["a tab in its location", file(["a"], "/my\tfiles/a"), /the location of its file holds a tab/],
  ["a long location", file(["a"], `/${"x".repeat(4096)}`), /has 4097 bytes, wanted less than 4096/],
  [
    "a target with a space",
    { ...owner, kind: "symlink", names: [utf8("l")], target: utf8("a b") },
    /"\/l": its target holds a space/,
  ],
  [
    "many long names",
    file(["a", ...Array.from({ length: 40 }, (_, i) => `${i}${"n".repeat(250)}`)]),
    /its line has 10\d{3} bytes, gen_init_cpio reads 8241/,
  ],
] as const)("what a list cannot say is refused: %s", (_, entry, message) => {
  expect(() => initramfsListLine(entry)).toThrow(
    expect.objectContaining({
      code: "IMAGE_LIMIT",
      message: expect.stringMatching(message),
      hint: expect.stringContaining("--format initramfs"),
    }),
  );
});
