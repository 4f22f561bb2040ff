/** Lists of the kernel's gen_init_cpio, against that program itself. */
import { execFileSync, spawnSync } from "node:child_process";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import * as fc from "fast-check";
import { beforeAll, expect, test } from "vitest";
import { writeCpioTree } from "../../src/formats/cpio/index.ts";
import { readInitramfsList } from "../../src/formats/initramfs-list/index.ts";
import { openSource } from "../../src/sources/index.ts";
import { MemorySink, Tree, Unpacker } from "../../src/tree/index.ts";
import { wick, type CliOptions } from "../support/cli.ts";
import { genInitCpio, kernelsArchive } from "../support/gen-init-cpio.ts";
import { generatedList, listedFiles, listVariables } from "../support/generated-lists.ts";
import { lastingDirectory } from "../support/temporary-directory.ts";

let work: string;
const at = (name: string): string => join(work, name);
const TIME = 1_234_567_890;
const epoch: CliOptions = { env: { SOURCE_DATE_EPOCH: String(TIME) } };

async function build(words: readonly string[], options: CliOptions = epoch): Promise<void> {
  const { status, stderr } = await wick(["build", "-q", "--init", "none", ...words], options);
  expect(status, stderr).toBe(0);
}

/** What differs first, in cmp's words; empty when nothing does. */
const cmp = (one: string, other: string): string =>
  spawnSync("cmp", [one, other], { encoding: "utf8" }).stdout;

/** Lines of cpio -itv of an archive, sorted, without times. */
function listing(archive: Uint8Array | string): string[] {
  const input = typeof archive === "string" ? readFileSync(archive) : archive;
  const words = ["-itv", "--quiet", "--numeric-uid-gid"];
  const env = { ...process.env, LC_ALL: "C", TZ: "UTC" };
  const text = execFileSync("cpio", words, { input, env, encoding: "latin1" });
  const lines = text.trimEnd().split("\n");
  return lines.map((line) => line.replace(/ [A-Z][a-z]{2} +\d+ +[\d:]+ /, " ")).sort();
}

beforeAll(() => {
  genInitCpio();
  work = lastingDirectory();
  for (const [name, size] of Object.entries(listedFiles)) {
    writeFileSync(at(name), Buffer.alloc(size, "some bytes of it "));
  }
  chmodSync(at("one"), 0o755);
  utimesSync(at("four"), 2 ** 32 - 1, 2 ** 32 - 1);
  utimesSync(at("odd"), 0, 0.25);
}, 300_000);

const RICH = `# nothing is sorted here, /dev not listed, and one line has no end
nod /dev/console 0600 0 0 c 5 1
dir /usr 0755 0 0
dir /usr/bin 2775 0 50
slink /bin usr/bin 0777 0 0

file /init \${PROGRAM} 4755 0 0 /usr/bin/init /bin/another usr/x#y
file /usr/bin/through /\${ROOT}/./three 0644 1000 4294967295
file /bin/inside empty 0 0 0
\t
dir . 0700 1 2
nod /b 0660 0 6 b 259 1048575   # a comment that gen_init_cpio passes over
pipe run 1777 5 6
sock ./s 0755 7 8
dir /usr/ 0755 0 0
slink /usr/long ../${"t".repeat(4000)} 0777 0 0
file /#odd odd 644 0 0
dir /ö 755 0 0\r
file /ö/ÿ odd 644 0 0`.replace("dir /usr/ 0755 0 0\n", "");

const richVariables = (): string[] => [
  "--list-var",
  "PROGRAM=two words",
  "--list-var",
  `ROOT=${work.slice(1)}`,
];

test("a rich list gives byte for byte what the kernel's own program writes", async () => {
  writeFileSync(at("list"), RICH);
  await build([...richVariables(), `list:${at("list")}`, "-o", at("ours.cpio")]);
  const env = { PROGRAM: "two words", ROOT: work.slice(1) };
  const theirs = execFileSync(genInitCpio(), ["-t", String(TIME), at("list")], { cwd: work, env });
  writeFileSync(at("theirs.cpio"), theirs);
  expect(cmp(at("ours.cpio"), at("theirs.cpio"))).toBe("");
  expect(theirs.length % 512).toBe(0);
  // One mode of the list, and one byte of a file.
  writeFileSync(at("list2"), RICH.replace("4755", "4711"));
  await build([...richVariables(), `list:${at("list2")}`, "-o", at("changed.cpio")]);
  expect(cmp(at("changed.cpio"), at("theirs.cpio"))).toMatch(/differ: /);
  const flipped = Buffer.from(theirs);
  flipped[flipped.indexOf("some bytes")] = 0x53;
  writeFileSync(at("flipped.cpio"), flipped);
  expect(cmp(at("ours.cpio"), at("flipped.cpio"))).toMatch(/differ: /);
});

/** The archive of a list, by the library. */
async function archiveOf(list: string): Promise<Buffer> {
  const parsed = { kind: "list", rest: list, reference: `list:${list}` } as const;
  const settings = { directory: undefined, anyFile: false, mtimeSeconds: TIME };
  const source = openSource(parsed, {
    cacheDirectory: "/nonexistent",
    architecture: "x86_64",
    list: { ...settings, variables: listVariables },
  });
  const { layers, order } = await source.open();
  const [tree, sink, warn] = [new Tree(), new MemorySink(), () => undefined];
  const unpacker = new Unpacker({ tree, sink, warn });
  for (const layer of layers) await layer.play(unpacker);
  unpacker.finish();
  const pieces: Uint8Array[] = [];
  writeCpioTree(tree, sink, { write: (bytes) => pieces.push(bytes.slice()), warn, order });
  return Buffer.concat(pieces);
}

test("generated lists give byte for byte what the kernel's own program writes", async () => {
  const list = at("generated");
  let entries = 0;
  const property = fc.asyncProperty(generatedList, async (text) => {
    writeFileSync(list, text, "latin1");
    const env = { ...listVariables };
    const theirs = execFileSync(genInitCpio(), ["-t", String(TIME), list], { cwd: work, env });
    const ours = await archiveOf(list);
    expect(ours.equals(theirs)).toBe(true);
    entries += text.split("\n").length;
  });
  await fc.assert(property, { numRuns: 40 });
  expect(entries).toBeGreaterThan(500);
});

/** Lines that look like something that gen_init_cpio does not make of them, and what it makes. */
test.each([
  ["digits that are not octal", "dir /a 789 0 0", /^d------rwx +2 89 +0 +0 a$/m],
  ["a gid with a unit", "file /a one 644 0 0k", /^-rw-r--r-- +2 0 +0 +1 k$/m],
  ["another device type", "nod /a 600 0 0 p 1 3", /^crw------- .* 1, +3 a$/m],
  ["an indented entry", "  dir /a 755 0 0", /^$/],
  ["a word alone", "dir", /^$/],
  ["an unknown kind", "fiel /a one 644 0 0", /^$/],
  ["a comment behind a file", "file /a one 644 0 0 # text", /^-rw.* 3 .* #\n-rw.* a\n-rw.* text$/m],
  ["a further name that is not ASCII", "file /a one 644 0 0 ö", /^-rw-r--r-- +1 0 +0 +1 a$/],
])("what gen_init_cpio misreads in silence is refused: %s", (_, line, theirs) => {
  writeFileSync(at("misread"), `${line}\n`);
  const archive = kernelsArchive(at("misread"), 0, { cwd: work });
  expect(listing(archive).join("\n")).toMatch(theirs);
  expect(() => readInitramfsList(Buffer.from(line), "misread")).toThrow(
    expect.objectContaining({ code: "CONFIG_INVALID" }),
  );
});

test("a package's list and files give the archive of the package, and the same tree back", async () => {
  const words = ["--add", `${at("one")}:/init`, "deb:busybox-static"];
  await build([...words, "-o", at("package.cpio")]);
  await build([...words, "--format", "initramfs-list", "-o", at("package")]);
  // From anywhere: the list's locations are absolute.
  const theirs = kernelsArchive(at("package/initramfs_list"), TIME, { cwd: "/" });
  expect(listing(theirs)).toEqual(listing(at("package.cpio")));
  expect(listing(theirs).length).toBeGreaterThan(50);
  const entry = theirs.indexOf("070701", 200);
  const changed = Buffer.from(theirs);
  changed.write("7", entry + 21); // the mode's last digit
  expect(listing(changed)).not.toEqual(listing(at("package.cpio")));

  await build([`list:${at("package")}`, "-o", at("again.cpio")]);
  writeFileSync(at("package.theirs.cpio"), theirs);
  expect(cmp(at("again.cpio"), at("package.theirs.cpio"))).toBe("");
  for (const name of ["package.cpio", "again.cpio", "package"]) {
    const bytes = await wick(["cat", at(name), "/usr/bin/busybox"]);
    expect(bytes.stdout.length).toBeGreaterThan(1_000_000);
    writeFileSync(at(`${name}.busybox`), bytes.stdout, "latin1");
  }
  expect(cmp(at("package.cpio.busybox"), at("again.cpio.busybox"))).toBe("");
  expect(cmp(at("package.cpio.busybox"), at("package.busybox"))).toBe("");
  const listed = async (name: string) =>
    (await wick(["ls", "-R", at(name), "/usr"])).stdout.replaceAll(/ \d{4}-.{14} /g, " ");
  expect(await listed("package")).toBe(await listed("again.cpio"));
  const inspected = await wick(["inspect", "--json", at("package")]);
  expect(JSON.parse(inspected.stdout)).toMatchObject({ format: "initramfs", path: at("package") });
});

test("hard links, devices, owners and names of any bytes survive a list", async () => {
  const odd = Buffer.from([0xff, 0x23, 0xe9]).toString("latin1");
  const list = `dir /d 1777 7 8
file /d/first odd 4750 9 10 /d/#second /third
file /d/${odd} three 600 0 0
file /not-utf8-1 four 600 0 0
nod /d/n 600 0 0 b 1 2
slink /d/l ../${odd}\${HOME} 777 0 0
sock /d/s 600 0 0
file /init one 755 0 0
`;
  writeFileSync(at("odd-list"), list, "latin1");
  await build([`list:${at("odd-list")}`, "-o", at("odd.cpio")]);
  await build([`list:${at("odd-list")}`, "--format", "initramfs-list", "-o", at("odd-out")]);
  const theirs = kernelsArchive(at("odd-out/initramfs_list"), TIME);
  expect(theirs.equals(readFileSync(at("odd.cpio")))).toBe(true);
});

test("names that a list cannot say are refused, and nothing of it is left", async () => {
  for (const name of ["two words", "x\nfile /stolen secret 0644 0 0", "${HOME}"]) {
    const parent = mkdtempSync(at("refused-"));
    const file = join(parent, "root", name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, "");
    const words = ["build", "-q", "--init", "none", "--add", `${at("one")}:/init`];
    const options = ["--format", "initramfs-list", "-o", join(parent, "out")];
    const result = await wick([...words, `dir:${join(parent, "root")}`, ...options]);
    expect([result.status, readdirSync(parent)]).toEqual([1, ["root"]]);
    expect(result.stderr).toMatch(/^error: Cannot list "\/.*hint: --format initramfs writes/s);
  }
});

test("an output with a variable in its own path is refused: the list would name other files", async () => {
  writeFileSync(at("plain"), "file /init one 755 0 0\n");
  const output = ["-o", at("out-${HOME}")];
  const words = ["build", "-q", "--init", "none", `list:${at("plain")}`];
  const refused = await wick([...words, "--format", "initramfs-list", ...output], epoch);
  expect([refused.status, readdirSync(work).includes("out-${HOME}")]).toEqual([1, false]);
  expect(refused.stderr).toMatch(/holds a \$\{.*hint: --list-prefix DIR/s);
});

test("two builds of a list's directory are alike, and --list-prefix says where its files lie", async () => {
  writeFileSync(at("small"), "file /init one 755 0 0\nfile /b three 600 0 0\n");
  const words = [`list:${at("small")}`, "--format", "initramfs-list"];
  for (const name of ["first", "second"]) {
    mkdirSync(at(name));
    await build([...words, "--list-prefix", "${APP}/usr", "-o", at(`${name}/out`)]);
  }
  const tree = (name: string): string =>
    execFileSync(
      "sh",
      ["-c", "find . -printf '%P %m %s %T@\\n' | sort | grep -v '^ '; cat initramfs_list"],
      {
        cwd: at(`${name}/out`),
        encoding: "utf8",
      },
    ).replace(/^(files|initramfs_list) .*\n/gm, "");
  expect(tree("first")).toBe(tree("second"));
  expect(tree("first")).toContain("file /init ${APP}/usr/files/init 0755 0 0\n");
  symlinkSync(at("first/out"), at("usr"));
  const env = { APP: work };
  const options = ["-t", String(TIME), at("first/out/initramfs_list")];
  const theirs = execFileSync(genInitCpio(), options, { env });
  await build([`list:${at("small")}`, "-o", at("small.cpio")]);
  expect(theirs.equals(readFileSync(at("small.cpio")))).toBe(true);
});
