import { expect, test } from "vitest";
import { display, utf8 } from "../../bytes/index.ts";
import { expandLocation, readInitramfsList } from "./index.ts";

const read = (text: string) => readInitramfsList(utf8(text), "app/list");

test("every kind of line becomes an entry with its line, names, owner and what is its own", () => {
  const text = `# a list
dir /dev 0755 0 0

nod /dev/console 600 0 5 c 5 1
nod dev/loop0 0660 0 6 b 7 1048575 # the last device
\t
slink /sbin bin 777 0 0
pipe /run/p 0 4294967295 1
sock\t s  1755\t 1 2
file /init src/\${X}/init 4755 0 0 /bin/init #not
`.replace(" #not", "");
  const shown = read(text).map(({ names, location, target, ...rest }) => ({
    ...rest,
    names: names.map(display),
    ...(location && { location: display(location) }),
    ...(target && { target: display(target) }),
  }));
  const root = { uid: 0, gid: 0 };
  const console = { major: 5, minor: 1 };
  const loop = { major: 7, minor: 1_048_575 };
  expect(shown).toEqual([
    { line: 2, kind: "directory", names: ["dev"], mode: 0o755, ...root },
    { line: 4, kind: "char", names: ["dev/console"], mode: 0o600, uid: 0, gid: 5, rdev: console },
    { line: 5, kind: "block", names: ["dev/loop0"], mode: 0o660, uid: 0, gid: 6, rdev: loop },
    { line: 7, kind: "symlink", names: ["sbin"], mode: 0o777, ...root, target: "bin" },
    { line: 8, kind: "fifo", names: ["run/p"], mode: 0, uid: 4_294_967_295, gid: 1 },
    { line: 9, kind: "socket", names: ["s"], mode: 0o1755, uid: 1, gid: 2 },
    {
      line: 10,
      kind: "file",
      names: ["init", "bin/init"],
      mode: 0o4755,
      ...root,
      location: "src/${X}/init",
    },
  ]);
});

test("lines may end in CR LF, the last one in nothing; a name need not be UTF-8", () => {
  const bytes = new Uint8Array([...utf8("dir /a 755 0 0\r\n\r\ndir /a/"), 0xff, ...utf8(" 7 0 0")]);
  expect(readInitramfsList(bytes, "l").map(({ names }) => display(names[0]))).toEqual([
    "a",
    "a/\\xff",
  ]);
});

test("the same directory may be told twice, and only that", () => {
  expect(read("dir /a 755 0 0\ndir a 0755 0 0\n")).toHaveLength(2);
});

/** What is wrong, the line that has it, and what is told. */
const refused: readonly (readonly [string, string, RegExp])[] = [
  ["a mode that is no octal", "dir /a 789 0 0", /the mode "789", wanted octal digits up to 7777/],
  ["the bits of a kind in a mode", "file /a f 100644 0 0", /the mode "100644"/],
  ["a signed id", "dir /a 755 -1 0", /the uid "-1", wanted digits up to 4294967295/],
  ["an id of 33 bits", "dir /a 755 0 4294967296", /the gid "4294967296"/],
  ["words that are glued", "dir /a 755 0 0x", /the gid "0x"/],
  ["words that are missing", "slink /a b 777 0", /4 words behind "slink", wanted slink <name> <t/],
  ["words too many", "dir /a 755 0 0 0", /"0" behind its last word, wanted dir <name>/],
  ["a word alone", "dir", /0 words behind "dir"/],
  ["an unknown kind", "fiel /a b 755 0 0", /"fiel" is no kind of entry, wanted one of file, dir/],
  ["a method of objects", "constructor /a 755 0 0", /"constructor" is no kind/],
  ["an indented entry", "  dir /a 755 0 0", /it is indented.*an entry begins in column 1/],
  ["an indented comment", "\t# text", /a comment begins in column 1/],
  ["a device type of a word", "nod /a 600 0 0 char 5 1", /the device type "char", wanted b or c/],
  ["another device type", "nod /a 600 0 0 p 5 1", /the device type "p"/],
  ["a major that is too large", "nod /a 600 0 0 c 4096 1", /the maj "4096", wanted .* 4095/],
  ["a minor that is too large", "nod /a 600 0 0 c 1 1048576", /the min "1048576"/],
  ["a comment behind a file", "file /a f 644 0 0 # my file", /"#" behind a file.*one more name/],
  ["a link that is passed over", "file /a f 644 0 0 é", /the further name "é".*passes over/],
  ["the root as a name", "dir / 755 0 0", /the name "\/" is empty, wanted a path/],
  ["the root as a file", "file ./. f 644 0 0", /"\.\/\." is the root's, wanted dir/],
  ["a way out", "dir /a/../b 755 0 0", /has a component "\.\."/],
  ["an empty component", "dir //a 755 0 0", /"\/\/a" has an empty component/],
  ["a file that ends in /", "file /a/ f 644 0 0", /has an empty component/],
  ["the trailer", "file TRAILER!!! f 644 0 0", /ends a cpio archive/],
  ["a long component", `dir /${"n".repeat(256)} 755 0 0`, /a component of 256 bytes/],
  ["a long name", `dir /${"n/".repeat(2048)} 755 0 0`, /has 4096 bytes, wanted less than 4096/],
  ["a long target", `slink /a ${"t".repeat(4096)} 777 0 0`, /a target of 4096 bytes/],
  [
    "a long line",
    `# ${"x".repeat(8240)}`,
    /8242 bytes, gen_init_cpio reads lines of less than 8241/,
  ],
  ["a zero byte", "dir /a 755 0 0 \0", /a zero byte, wanted text/],
  ["a name that stands before", "file /d f 644 0 0", /the name "d" stands in line 1 already/],
  ["a directory that changes", "dir ./d 700 0 0", /the name "\.\/d" stands in line 1 already/],
  ["a name twice in a line", "file /a f 644 0 0 /b ./a", /the name "\.\/a" stands twice in it/],
];

test.each(refused)("%s is refused with its line", (_, line, message) => {
  expect(() => read(`dir /d 755 0 0\n${line}\n`)).toThrow(
    expect.objectContaining({ code: "CONFIG_INVALID", message: expect.stringMatching(message) }),
  );
  expect(() => read(`dir /d 755 0 0\n${line}\n`)).toThrow(/^Cannot use line 2 of app\/list: /);
});

test("variables stand for their values once; one that is missing is asked for", () => {
  const variables = new Map([
    ["A", utf8("a b")],
    ["B", utf8("${A}")],
  ]);
  const missing = (name: Uint8Array): never => {
    throw new Error(`no ${display(name)}`);
  };
  const expanded = (text: string): string =>
    display(expandLocation(utf8(text), variables, missing));
  expect(expanded("${A}/${B}/$A/${open")).toBe("a b/${A}/$A/${open");
  expect(() => expanded("x/${C}")).toThrow("no C");
  expect(() => expanded("${}")).toThrow("no ");
});
