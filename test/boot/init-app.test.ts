/** `--init app`: the kernel starts the application itself, and tells how it ended. */
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { wick } from "../support/cli.ts";
import { lastingDirectory } from "../support/temporary-directory.ts";

/** Prints what it was started with; its first argument is a status, or `s` for a segfault. */
const APPLICATION = String.raw`
#include <stdio.h>
#include <stdlib.h>
extern char **environ;
int main(int argc, char **argv) {
  for (int i = 0; i < argc; i++) printf("argument %d [%s]\n", i, argv[i]);
  for (char **each = environ; *each; each++) printf("variable [%s]\n", *each);
  fflush(stdout);
  if (argc > 1 && argv[1][0] == 's') *(volatile int *)0 = 1;
  return argc > 1 ? atoi(argv[1]) : 0;
}
`;

let work: string;
const at = (name: string): string => join(work, name);

function cc(name: string, source: string, ...flags: string[]): string {
  mkdirSync(join(at(name), ".."), { recursive: true });
  writeFileSync(at(`${name}.c`), source);
  execFileSync("cc", [at(`${name}.c`), "-Os", "-o", at(name), ...flags]);
  return at(name);
}

beforeAll(async () => {
  work = lastingDirectory();
  cc("app", APPLICATION, "-static");
  for (const output of ["one.cpio.gz", "two.cpio.gz"]) {
    const words = ["--cmd", "3", "--cmd", "two words", "-e", "FROM=the image", "-e", "B=image"];
    const made = await wick([
      "build",
      "-q",
      "--init",
      "app",
      ...words,
      `bin:${at("app")}`,
      "-o",
      at(output),
    ]);
    expect(made.status, made.stderr).toBe(0);
  }
});

test("the image holds the program as /init, two devices, the config, and is the same each time", async () => {
  expect(readFileSync(at("one.cpio.gz")).equals(readFileSync(at("two.cpio.gz")))).toBe(true);
  const { stdout } = await wick(["ls", "-R", "--json", at("one.cpio.gz")]);
  const nodes = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { path: string });
  expect(nodes.map(({ path }) => path).sort()).toEqual([
    "/.wick",
    "/.wick/config.json",
    "/dev",
    "/dev/console",
    "/dev/null",
    "/init",
  ]);
  // Somebody else's reader; it also sees a file that was changed.
  const listed = (bytes: Buffer): string =>
    execFileSync("cpio", ["-tv", "--quiet"], {
      input: bytes,
      encoding: "utf8",
      stdio: ["pipe", "pipe", "ignore"],
    });
  const plain = execFileSync("gzip", ["-dc", at("one.cpio.gz")], { maxBuffer: 1 << 26 });
  expect(listed(plain)).toMatch(/^-rwxr-xr-x .* init$/m);
  const changed = Buffer.from(plain);
  changed[changed.indexOf("init\0")] = 0x58;
  expect(listed(changed)).not.toMatch(/ init$/m);
});

test("arguments and variables of image and run arrive, and the status comes back", async () => {
  const words = [
    "-e",
    "B=of this run",
    "-e",
    "C=",
    at("one.cpio.gz"),
    "7",
    "a b",
    '{"json":"c d"}',
  ];
  const { status, stdout, stderr } = await wick(["run", "-q", ...words]);
  expect(status, stderr).toBe(7);
  const lines = stdout.split(/\r?\n/).filter((line) => /^(argument|variable) /.test(line));
  expect(lines.sort()).toEqual(
    [
      "argument 0 [/init]",
      "argument 1 [7]",
      "argument 2 [a b]",
      'argument 3 [{"json":"c d"}]',
      "variable [HOME=/]",
      "variable [TERM=linux]",
      "variable [PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin]",
      "variable [FROM=the image]",
      "variable [B=of this run]",
      "variable [C=]",
    ].sort(),
  );
});

test("a signal is told as Docker's status, and a kernel without a network of its own by a warning", async () => {
  const program = `bin:${at("app")}`;
  const { status, stdout, stderr } = await wick(["run", "--init=app", "-p", "80", program, "s"]);
  expect(status, stderr).toBe(139);
  expect(stdout).toContain("argument 1 [s]");
  expect(stderr).toContain("the application was ended by signal 11");
  expect(stderr).toMatch(/nothing will answer on the published ports .* virtio-net as a module/);
  expect(stderr).toContain("was ended by signal 11 before it listened on port 80");
  expect(stderr).not.toContain("Kernel Offset");
});

test("a dynamic program finds libraries by $ORIGIN and ld.so.conf, with init and as process 1", async () => {
  const so = ["-shared", "-fPIC"];
  const root = at("root");
  // The host's own C library under a root of its own, with one more directory of libraries.
  const needed = execFileSync("ldd", ["/bin/true"], { encoding: "utf8" });
  for (const [path] of needed.matchAll(/\/\S+/g)) {
    mkdirSync(join(root, path, ".."), { recursive: true });
    copyFileSync(path, join(root, path));
  }
  mkdirSync(join(root, "etc"));
  writeFileSync(join(root, "etc/ld.so.conf"), "/srv/own\n");
  const configured = cc(
    "root/srv/own/libone.so.1",
    "int one(void) { return 1; }",
    ...so,
    "-Wl,-soname,libone.so.1",
  );
  const beside = cc(
    "root/app/lib/libtwo.so",
    "int two(void) { return 2; }",
    ...so,
    "-Wl,-soname,libtwo.so",
  );
  const source =
    'int one(void); int two(void); int puts(const char *); int main(void) { puts("found both"); return one() + two(); }';
  const program = cc("root/app/bin/both", source, configured, beside, "-Wl,-rpath,$ORIGIN/../lib");
  for (const init of [[], ["--init=app"]]) {
    const { status, stdout, stderr } = await wick([
      "run",
      "-q",
      ...init,
      "--root-dir",
      root,
      `bin:${program}`,
    ]);
    expect(stdout).toContain("found both");
    expect(status, stderr).toBe(3);
  }
});

test.each([
  [["-u", "5"], /-u/],
  [["-w", "/tmp", "--hostname", "name"], /-w, --hostname/],
  [["-v", "/tmp:/x"], /-v/],
  [["--tmpfs", "/x"], /--tmpfs/],
  [["--read-only"], /--read-only/],
  [["--stop-signal", "9"], /--stop-signal/],
  [["--entrypoint", "/x"], /--entrypoint/],
  [["--append", "debug -- x"], /append/],
])(
  "an image whose application is process 1 refuses %j before anything starts",
  async (words, named) => {
    const { status, stderr } = await wick(["run", "-q", ...words, at("one.cpio.gz")]);
    expect(status).toBe(125);
    expect(stderr).toMatch(named);
    expect(stderr).toMatch(/\[USAGE\]/);
  },
);

test.each([
  [["-u", "5"], "UNSUPPORTED", /as user 5/],
  [["-w", "/tmp"], "UNSUPPORTED", /in \/tmp/],
  [["-e", "a.b=1"], "UNSUPPORTED", /variable a\.b/],
  [["--entrypoint", "/none"], "NO_APPLICATION", /\/none/],
  [["--format", "ext4"], "UNSUPPORTED", /process 1 of an initramfs/],
])("a build with %j is refused: the kernel could not do it", async (words, code, message) => {
  const output = at("refused.cpio");
  const { status, stderr } = await wick([
    "build",
    "-q",
    "--init",
    "app",
    ...words,
    `bin:${at("app")}`,
    "-o",
    output,
  ]);
  expect(status).toBe(1);
  expect(stderr).toMatch(message);
  expect(stderr).toContain(`[${code}]`);
});
