import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { utf8 } from "../bytes/index.ts";
import { temporaryDirectory } from "../../test/support/temporary-directory.ts";
import { MemorySink, Tree } from "../tree/index.ts";
import { checkProgram } from "./check-program.ts";
import { addFile, addSymlink, ensureDirectory } from "./files.ts";
import { likelyExecutables } from "./likely.ts";
import { TreeFiles } from "./program-files.ts";

const executable = { mode: 0o755 };
/** A dynamic program of this host; its architecture, linker and libraries are what it says. */
const program = readFileSync("/bin/cat");
const arch = process.arch === "arm64" ? "aarch64" : "x86_64";
/** The library that it needs. */
const libc = readFileSync(`/lib/${arch}-linux-gnu/libc.so.6`);
const linker = /\/lib[\w./-]*\/ld-linux[\w.-]+/.exec(program.toString("latin1"))![0];

function fresh(files: Record<string, Uint8Array | string> = {}) {
  const { tree, sink } = { tree: new Tree(), sink: new MemorySink() };
  for (const [path, bytes] of Object.entries(files)) {
    addFile(tree, sink, path, typeof bytes === "string" ? utf8(bytes) : bytes, executable);
  }
  return { tree, sink };
}

function check(
  { tree, sink }: ReturnType<typeof fresh>,
  name: string,
  { PATH = "/usr/bin:/bin", directory = "/", machine = arch, more = [] as string[] } = {},
) {
  const files = new TreeFiles(tree, sink);
  const process = { argv: [name], env: [`PATH=${PATH}`, ...more], directory };
  const { problems } = checkProgram(files, process, { arch: machine });
  return problems.map(({ kind, message }) => `${kind}: ${message}`);
}

test("a complete program has no problem, by path, by PATH and from the working directory", () => {
  const image = fresh({ "/usr/bin/cat": program, [linker]: "ld", "/lib/libc.so.6": libc });
  expect(check(image, "cat")).toEqual([]);
  expect(check(image, "/usr/bin/cat")).toEqual([]);
  expect(check(image, "./bin/cat", { directory: "/usr" })).toEqual([]);
  expect(check(image, "cat", { PATH: "::/nothing", directory: "/usr/bin" })).toEqual([]);
});

test("a program that is missing or cannot be executed is told", () => {
  const image = fresh();
  addFile(image.tree, image.sink, "/bin/data", utf8("x"));
  ensureDirectory(image.tree, "/bin/dir");
  addSymlink(image.tree, image.sink, "/bin/loop", "loop");
  expect(check(image, "cat")).toEqual(['missing: the program "cat" is not in PATH=/usr/bin:/bin']);
  expect(check(image, "/bin/loop")).toEqual([
    'missing: the program "/bin/loop" is not in the image',
  ]);
  expect(check(image, "data")).toEqual([
    'not-executable: the program "data" (/bin/data) is a file without execute permission',
  ]);
  expect(check(image, "dir")).toEqual([
    'not-executable: the program "dir" (/bin/dir) is a directory',
  ]);
});

test("a missing dynamic linker, then a missing library, is named", () => {
  const image = fresh({ "/bin/cat": program });
  expect(check(image, "cat")[0]).toBe(
    `interpreter: the program "cat" needs its dynamic linker ${linker}, which is not in the image`,
  );
  addFile(image.tree, image.sink, linker, utf8("ld"), executable);
  expect(check(image, "cat")).toEqual([
    expect.stringMatching(
      /^library: \/bin\/cat needs libc\.so\.6, which the image lacks; looked in /,
    ),
  ]);
  addFile(image.tree, image.sink, "/opt/libc.so.6", libc);
  expect(check(image, "cat", { more: ["LD_LIBRARY_PATH=/none:/opt"] })).toEqual([]);
});

test("$ORIGIN is where the program is, not the link by which it is called", () => {
  const scratch = temporaryDirectory();
  const at = (name: string): string => join(scratch, name);
  execFileSync("cc", ["-shared", "-Wl,-soname,libown.so", "-xc", "-", "-o", at("libown.so")], {
    input: "int own;",
  });
  const options = ["-Wl,-rpath,$ORIGIN/../lib", "-Wl,--no-as-needed", at("libown.so")];
  const input = "int main(void) { return 0; }";
  execFileSync("cc", ["-xc", "-", "-o", at("app"), "-xnone", ...options], { input });
  const own = {
    "/opt/bin/app": readFileSync(at("app")),
    "/opt/lib/libown.so": readFileSync(at("libown.so")),
  };
  const image = fresh({ ...own, [linker]: "ld", "/lib/libc.so.6": libc });
  addSymlink(image.tree, image.sink, "/bin/app", "other");
  addSymlink(image.tree, image.sink, "/bin/other", "../opt/bin/app");
  expect(check(image, "app")).toEqual([]);
});

test("a program for another architecture is told by both names", () => {
  const other = arch === "x86_64" ? "aarch64" : "x86_64";
  expect(check(fresh({ "/bin/cat": program }), "cat", { machine: other })).toEqual([
    `architecture: the program "cat" is for ${arch}, the machine is ${other}`,
  ]);
});

test("a script's interpreter is looked for, through scripts and with its carriage return", () => {
  const image = fresh({
    "/bin/a": "#!/bin/sh\n",
    "/bin/b": "#! /bin/a -x\nb",
    "/bin/c": "#!/bin/a\r\nc",
    "/bin/d": "#!\n",
    "/bin/e": "text",
    "/bin/self": "#!/bin/self\n",
  });
  expect(check(image, "b")).toEqual([
    'interpreter: the script "/bin/a" needs /bin/sh, which is not in the image',
  ]);
  expect(check(image, "c")[0]).toContain("/bin/a\\x0d, which is not in the image (its line ends");
  expect(check(image, "d")[0]).toContain('the script "d" has an empty #! line');
  expect(check(image, "e")[0]).toContain("no ELF file and has no #! line");
  expect(check(image, "self")).toEqual([]);
});

test("a damaged or empty program is a problem, not a crash", () => {
  const broken = program.subarray(0, 100);
  const image = fresh({ "/bin/broken": broken, "/bin/empty": "" });
  expect(check(image, "broken")[0]).toContain("not-executable: Cannot read");
  expect(check(image, "empty")[0]).toContain("not-executable");
});

test("likely programs: services first, then servers, helpers last, links once", () => {
  const { tree, sink } = fresh({
    "/usr/sbin/nginx": "n",
    "/usr/sbin/ldconfig": "a much larger program",
    "/usr/sbin/sshd": "s",
    "/usr/bin/redis-server": "rr",
    "/usr/bin/curl": "c",
    "/usr/bin/iconv": "i",
    "/usr/local/bin/tool": "t",
    "/server": "x",
  });
  addSymlink(tree, sink, "/usr/bin/also-nginx", "../sbin/nginx");
  addFile(tree, sink, "/usr/bin/data", utf8("not executable"));
  addFile(
    tree,
    sink,
    "/lib/systemd/system/nginx.service",
    utf8("[Service]\nExecStart=-/usr/sbin/nginx -g x\n"),
  );
  addSymlink(tree, sink, "/usr/bin/loop", "loop");
  expect(likelyExecutables(tree, sink, 6)).toEqual([
    "/usr/sbin/nginx",
    "/server",
    "/usr/sbin/sshd",
    "/usr/bin/redis-server",
    "/usr/local/bin/tool",
    "/usr/bin/curl",
  ]);
  expect(likelyExecutables(new Tree(), new MemorySink(), 5)).toEqual([]);
});

test("what the tree's dpkg calls required comes last", () => {
  const { tree, sink } = fresh({ "/usr/bin/cat": "a large program", "/usr/bin/mine": "m" });
  const status =
    "Package: coreutils\nPriority: required\nArchitecture: amd64\n\nPackage: mine\nPriority: optional\n";
  addFile(tree, sink, "/var/lib/dpkg/status", utf8(status));
  addFile(tree, sink, "/var/lib/dpkg/info/coreutils.list", utf8("/.\n/usr/bin\n/usr/bin/cat\n"));
  addFile(tree, sink, "/var/lib/dpkg/info/mine.list", utf8("/usr/bin/mine\n"));
  expect(likelyExecutables(tree, sink, 5)).toEqual(["/usr/bin/mine", "/usr/bin/cat"]);
});
