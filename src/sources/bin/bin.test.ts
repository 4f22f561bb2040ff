import { execFileSync, spawnSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { record } from "../../../test/support/record.ts";
import { temporaryDirectory } from "../../../test/support/temporary-directory.ts";
import { isWickError } from "../../errors/index.ts";
import { hostArch } from "../../host/index.ts";
import { binSource, type BinOptions } from "./bin.ts";

const architecture = hostArch();
const isRoot = process.getuid?.() === 0;

async function played(path: string, options: Partial<BinOptions> = {}) {
  const contents = await binSource(`bin:${path}`, path, { architecture, ...options }).open();
  const { entries } = await record(contents.layers[0]!);
  return {
    contents,
    entries,
    paths: entries.map(({ entry }) => `/${Buffer.from(entry.path).toString()}`),
  };
}

/** Compiles `source`; `name` may lie in folders that are not there yet. */
function cc(name: string, source: string, ...flags: string[]): string {
  mkdirSync(dirname(name), { recursive: true });
  writeFileSync(`${name}.c`, source);
  execFileSync("cc", [`${name}.c`, "-o", name, ...flags]);
  return name;
}

function library(name: string, source: string, ...flags: string[]): string {
  const soname = `-Wl,-soname,${name.slice(name.lastIndexOf("/") + 1)}`;
  return cc(name, source, "-shared", "-fPIC", soname, "-Wl,--no-as-needed", ...flags);
}

/** Files that the host's own dynamic linker loads, without links. */
function loaded(program: string): string[] {
  const { stdout } = spawnSync("ldd", [program], { encoding: "utf8" });
  const paths = Array.from(stdout.matchAll(/(?:=> |^\s)(\/\S+) \(0x/gm), ([, path]) => path!);
  return [...new Set(paths.map((path) => realpathSync(path)))].sort();
}

/** The same of the source: what it read on the host is found by contents. */
async function taken(program: string, options: Partial<BinOptions> = {}): Promise<string[]> {
  const { entries } = await played(program, options);
  return [...new Set(entries.map(({ contents }) => contents))].filter((hash) => hash !== "").sort();
}

const digest = (path: string): string =>
  execFileSync("sha256sum", [path], { encoding: "utf8" }).slice(0, 64);

const MAIN = "int main(void) { return 0; }\n";

test("a static program, also a position-independent one, is one file", async () => {
  for (const flag of ["-static", "-static-pie"]) {
    const program = cc(join(temporaryDirectory(), "app"), MAIN, flag);
    const { contents, entries } = await played(program, { mtimeSeconds: 7 });
    expect(entries.map(({ line }) => line)).toEqual(["file 755 0:0 7.000000000 usr/bin/app"]);
    expect(entries[0]!.contents).toBe(digest(program));
    expect(contents.config).toEqual({ Entrypoint: ["/usr/bin/app"] });
  }
});

const programs = ["curl", "git", "apt-get", "python3", "qemu-system-x86_64", "gcc"]
  .map((name) => `/usr/bin/${name}`)
  .filter((path) => existsSync(path));

test.each(programs)("%s brings what ld.so says that it loads", async (program) => {
  const files = [realpathSync(program), ...loaded(program)];
  expect(files.length).toBeGreaterThan(2);
  expect(await taken(program)).toEqual([...new Set(files.map(digest))].sort());
});

/** A root that has the host's C library and what is copied into it. */
function plantRoot(): string {
  const root = temporaryDirectory();
  const put = (path: string): void => {
    mkdirSync(join(root, dirname(path)), { recursive: true });
    copyFileSync(path, join(root, path));
    chmodSync(join(root, path), 0o755);
  };
  const probe = cc(join(temporaryDirectory(), "probe"), MAIN);
  const { stdout } = spawnSync("ldd", [probe], { encoding: "utf8" });
  for (const [, path] of stdout.matchAll(/(?:=> |^\s)(\/\S+) \(0x/gm)) put(path!);
  return root;
}

/**
 * An application of four libraries: `la` by the program's RUNPATH with $ORIGIN and `..`, `lb`
 * by la's RPATH, `lc`, which lb needs, by the RPATH inherited from la, `ld` by /etc/ld.so.conf.
 */
function plantApplication(root: string): string {
  const at = (path: string): string => join(root, path);
  const [oldTags, newTags] = ["-Wl,--disable-new-dtags", "-Wl,--enable-new-dtags"];
  const ld = library(at("srv/own/libld.so.1"), "int d(void) { return 4; }\n");
  const lc = library(at("opt/deep/libc9.so.1"), "int c(void) { return 3; }\n", ld);
  const lb = library(at("opt/deep/liblb.so.1"), "int b(void) { return 2; }\n", lc);
  const la = library(
    at("opt/app/lib/libla.so.1"),
    "int b(void); int a(void) { return b(); }\n",
    lb,
    oldTags,
    "-Wl,-rpath,/opt/deep",
  );
  // A library of the right name for another machine, which ld.so passes over.
  mkdirSync(at("opt/app/other"), { recursive: true });
  const foreign = readFileSync(la);
  foreign.writeUInt16LE(8, 18); // EM_MIPS
  writeFileSync(at("opt/app/other/libla.so.1"), foreign);
  mkdirSync(at("etc/conf.d"), { recursive: true });
  writeFileSync(at("etc/ld.so.conf"), "# comment\ninclude conf.d/*.conf # more\n");
  writeFileSync(at("etc/conf.d/own.conf"), "/srv/nothing\n/srv/own\n");
  return cc(
    at("opt/app/bin/app"),
    'int a(void); int puts(const char *); int main(void) { puts("all there"); return a(); }\n',
    la,
    newTags,
    "-Wl,-rpath,$ORIGIN/../other:$ORIGIN/../lib,--unresolved-symbols=ignore-in-shared-libs",
  );
}

test("search paths of the program, of a library, inherited ones and ld.so.conf are followed", async () => {
  const root = plantRoot();
  const app = plantApplication(root);
  const { paths, entries } = await played(app, { rootDirectory: root });
  const own = paths.filter((path) => /lib(la|lb|c9|ld)|app/.test(path));
  const libc = paths.find((path) => path.endsWith("/libc.so.6"))!;
  expect(own).toEqual([
    "/usr/bin/app",
    "/usr/lib/libla.so.1",
    "/opt/deep/liblb.so.1",
    "/opt/deep/libc9.so.1",
    "/srv/own/libld.so.1",
    `${dirname(libc)}/libld.so.1`,
  ]);
  const second = entries.find(({ path }) => path.endsWith("libld.so.1") && !path.startsWith("srv"));
  expect(second!.line).toMatch(/^hardlink .* -> srv\/own\/libld\.so\.1$/);
});

/** Writes what was taken into a directory, as the machine will have it. */
async function unpacked(app: string, root: string): Promise<string> {
  const { contents } = await played(app, { rootDirectory: root });
  const target = temporaryDirectory();
  let path = "";
  await contents.layers[0]!.play({
    entry(entry) {
      path = join(target, Buffer.from(entry.path).toString());
      mkdirSync(entry.type === "directory" ? path : dirname(path), { recursive: true });
      if (entry.type === "hardlink") {
        copyFileSync(join(target, Buffer.from(entry.target!).toString()), path);
        chmodSync(path, 0o755);
      } else if (entry.type === "file") writeFileSync(path, "", { mode: entry.mode });
    },
    data: (chunk) => writeFileSync(path, chunk, { flag: "a" }),
    hole: () => undefined,
    endFile: () => undefined,
    warn: () => undefined,
  });
  return target;
}

test.runIf(isRoot)(
  "ld.so itself starts the program from what was taken, and not with less",
  async () => {
    const root = plantRoot();
    const target = await unpacked(plantApplication(root), root);
    // Without /proc the linker cannot tell $ORIGIN by itself.
    const options = { encoding: "utf8", env: { LD_ORIGIN_PATH: "/usr/bin" } } as const;
    const start = () => spawnSync("/usr/sbin/chroot", [target, "/usr/bin/app"], options);
    expect(start()).toMatchObject({ stdout: "all there\n", stderr: "", status: 2 });
    renameSync(join(target, "opt/deep/libc9.so.1"), join(target, "opt/deep/gone"));
    expect(start().stderr).toMatch(/libc9\.so\.1: cannot open shared object file/);
  },
);

test("a library that is nowhere is an error that says who needs it and where was looked", async () => {
  const root = plantRoot();
  const app = plantApplication(root);
  renameSync(join(root, "opt/deep/libc9.so.1"), join(root, "opt/gone"));
  await expect(played(app, { rootDirectory: root })).rejects.toMatchObject({
    code: "SOURCE_NOT_FOUND",
    message: expect.stringMatching(
      /opt\/deep\/liblb\.so\.1 needs libc9\.so\.1, which is not there; looked in .*\/opt\/deep, /,
    ),
    hint: expect.stringContaining("--root-dir"),
  });
  await expect(played(app, { rootDirectory: join(root, "opt") })).rejects.toMatchObject({
    message: expect.stringMatching(/it needs \/lib.*\/ld-linux/),
  });
  await expect(played(app, { rootDirectory: join(root, "none") })).rejects.toMatchObject({
    code: "SOURCE_NOT_FOUND",
    message: expect.stringContaining("Cannot look for libraries in"),
  });
});

test("links stay inside the root: what they name outside is not taken", async () => {
  const root = plantRoot();
  const app = plantApplication(root);
  const [lib, outside] = [join(root, "opt/deep/libc9.so.1"), temporaryDirectory()];
  renameSync(lib, join(outside, "libc9.so.1"));
  symlinkSync(join(outside, "libc9.so.1"), lib);
  await expect(played(app, { rootDirectory: root })).rejects.toMatchObject({
    message: expect.stringContaining("needs libc9.so.1"),
  });
  // The same file inside, by a link that climbs out of the root of the host and of nothing else.
  mkdirSync(join(root, outside), { recursive: true });
  copyFileSync(join(outside, "libc9.so.1"), join(root, outside, "libc9.so.1"));
  expect((await played(app, { rootDirectory: root })).paths).toContain("/opt/deep/libc9.so.1");
});

test("musl's rules: its own names are itself, its list of directories goes along", async () => {
  const root = temporaryDirectory();
  const musl = `/lib/ld-musl-${architecture}.so.1`;
  library(join(root, musl), "int zero(void) { return 0; }\n", "-nostdlib");
  const lib = library(join(root, "data/l/libown.so"), "int a(void) { return 1; }\n", "-nostdlib");
  const libc = library(join(root, `libc.musl-${architecture}.so.1`), "int z;\n", "-nostdlib");
  const flags = ["-nostdlib", `-Wl,--dynamic-linker=${musl}`, "-Wl,--no-as-needed"];
  const app = cc(join(root, "app"), "void _start(void) {}\n", ...flags, lib, libc);
  const options = { rootDirectory: root };
  await expect(played(app, options)).rejects.toMatchObject({
    message: expect.stringMatching(/needs libown\.so, .*\/lib, .*\/usr\/local\/lib, .*\/usr\/lib$/),
  });
  mkdirSync(join(root, "etc"));
  writeFileSync(join(root, `etc/ld-musl-${architecture}.path`), "/lib\n/data/l\n");
  const list = `/etc/ld-musl-${architecture}.path`;
  expect((await played(app, options)).paths).toEqual([
    "/usr/bin/app",
    musl,
    "/data/l/libown.so",
    list,
  ]);
});

test("what is no program is an error that says what it is", async () => {
  const directory = temporaryDirectory();
  const file = (name: string, text: string): string => {
    writeFileSync(join(directory, name), text);
    return join(directory, name);
  };
  const other = readFileSync(cc(join(directory, "other"), MAIN, "-static"));
  other.writeUInt16LE(architecture === "x86_64" ? 183 : 62, 18);
  writeFileSync(join(directory, "other"), other);
  const object = cc(join(directory, "x.o"), MAIN, "-c");
  const cases = [
    [file("s.sh", "#!/bin/sh\n"), "UNSUPPORTED", /a script/],
    [file("text", "words"), "SOURCE_FAILED", /no ELF program/],
    [file("empty", ""), "SOURCE_FAILED", /no ELF program/],
    [join(directory, "none"), "SOURCE_NOT_FOUND", /no such file/],
    [directory, "SOURCE_FAILED", /a directory/],
    ["/dev/null", "SOURCE_FAILED", /no regular file/],
    [join(directory, "other"), "USAGE", /a program for (aarch64|x86_64), the machine is/],
    [object, "SOURCE_FAILED", /an object file/],
    [library(join(directory, "libx.so"), MAIN), "SOURCE_FAILED", /a shared library/],
  ] as const;
  for (const [path, code, message] of cases) {
    await expect(played(path), path).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
    });
  }
});

test("programs that are cut off or changed give files or one error", async () => {
  const directory = temporaryDirectory();
  const whole = readFileSync(cc(join(directory, "app"), MAIN));
  const path = join(directory, "changed");
  let state = 5;
  const next = (limit: number) => (state = (state * 48271) % 2147483647) % limit;
  let refused = 0;
  for (let i = 0; i < 160; i++) {
    const isCut = i % 4 === 0;
    const bytes = isCut ? whole.subarray(0, next(whole.length)) : Buffer.from(whole);
    const range = [64 + 56 * 13, bytes.length][next(2)]!;
    const changes = isCut ? 0 : 1 + next(6);
    for (let k = 0; k < changes; k++) bytes[next(range)] = next(256);
    writeFileSync(path, bytes);
    try {
      await played(path);
    } catch (error) {
      if (!isWickError(error, "SOURCE_FAILED", "SOURCE_NOT_FOUND", "USAGE", "UNSUPPORTED"))
        throw error;
      refused++;
    }
  }
  expect(refused).toBeGreaterThan(40);
});
