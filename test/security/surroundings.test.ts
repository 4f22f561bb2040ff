/** Wherever and however wick is started: the same image, or one error. */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { wick, type CliOptions, type CliResult } from "../support/cli.ts";
import { lastingDirectory, temporaryDirectory } from "../support/temporary-directory.ts";

let archive: string;
let wanted: string;

beforeAll(async () => {
  const directory = lastingDirectory();
  archive = join(directory, "x.tar");
  mkdirSync(join(directory, "tree/bin"), { recursive: true });
  writeFileSync(join(directory, "tree/bin/app"), "#!/bin/sh\n", { mode: 0o755 });
  execFileSync("tar", ["-cf", archive, "-C", join(directory, "tree"), "."]);
  const output = join(directory, "reference.ext4");
  const result = await build(output);
  expect(result.status, result.stderr).toBe(0);
  wanted = sha256(output);
});

const sha256 = (path: string): string =>
  createHash("sha256").update(readFileSync(path)).digest("hex");

function build(output: string, options: CliOptions = {}, words: string[] = []): Promise<CliResult> {
  return wick(["build", ...words, "--init", "none", `tar:${archive}`, "-o", output], options);
}

/** Runs the command line behind shell commands. */
const after = (commands: string): readonly string[] => ["bash", "-c", `${commands}; "$@"`, "bash"];

const surroundings: readonly (readonly [string, CliOptions])[] = [
  ["under umask 000", { prefix: after("umask 000") }],
  ["under umask 077", { prefix: after("umask 077") }],
  ["without a standard input", { prefix: after("exec <&-") }],
  ["without a standard output", { prefix: after("exec >&-") }],
  ["without a standard error", { prefix: after("exec 2>&-") }],
  [
    "with an output that nobody reads",
    { prefix: ["bash", "-c", '"$@" | true; exit ${PIPESTATUS[0]}', "bash"] },
  ],
  [
    "in the locale C, another time zone and no terminal",
    { env: { LANG: "C", LC_ALL: "C", TZ: "Asia/Kathmandu", TERM: "dumb" } },
  ],
  ["with a TMPDIR that is not there", { env: { TMPDIR: "/nonexistent/a b" } }],
  [
    "with relative XDG directories",
    { env: { WICK_CACHE: undefined, XDG_CACHE_HOME: "cache", XDG_STATE_HOME: "state" } },
  ],
  [
    "with an unwritable XDG directory",
    { env: { WICK_CACHE: undefined, XDG_CACHE_HOME: "/proc/nowhere" } },
  ],
  ["with 128 descriptors", { prefix: after("ulimit -n 128") }],
];

for (const [name, options] of surroundings) {
  test(`${name} the image is the same`, async () => {
    const directory = temporaryDirectory();
    const spaced = join(directory, "with space, comma");
    mkdirSync(spaced);
    const output = join(spaced, "x.ext4");
    const result = await build(output, options);
    expect(result.status, result.stderr).toBe(0);
    expect(sha256(output)).toBe(wanted);
    expect(existsSync(join(directory, "cache"))).toBe(false);
  });
}

const hopeless: readonly (readonly [string, readonly string[]])[] = [
  [
    "in a directory that was removed",
    after('mkdir "$TMPDIR/gone"; cd "$TMPDIR/gone"; rmdir ../gone'),
  ],
  ["with 64 descriptors", after("ulimit -n 64")],
];

for (const [name, prefix] of hopeless) {
  test(`${name} there is the same image, or one error that is no defect`, async () => {
    const output = join(temporaryDirectory(), "x.ext4");
    const result = await build(output, { prefix });
    if (result.status === 0) {
      expect(sha256(output)).toBe(wanted);
      return;
    }
    expect(result.status).toBe(1);
    expect(result.stderr.match(/^error: .*$/gm), result.stderr).toHaveLength(1);
    expect(result.stderr).not.toMatch(/INTERNAL|^\s+at /m);
    expect(existsSync(output)).toBe(false);
  });
}

/** A library that tells every program that it is 1970-01-01. */
function stoppedClock(directory: string): string {
  const library = join(directory, "clock.so");
  const source =
    "#include <time.h>\n#include <sys/time.h>\n" +
    "int clock_gettime(clockid_t c, struct timespec *t) { static long n; t->tv_sec = c == CLOCK_REALTIME ? 0 : n++ / 1000000; t->tv_nsec = n++ % 1000000 * 1000; return 0; }\n" +
    "int gettimeofday(struct timeval *t, void *z) { t->tv_sec = 0; t->tv_usec = 0; return 0; }\n" +
    "time_t time(time_t *t) { if (t) *t = 0; return 0; }\n";
  execFileSync("cc", ["-shared", "-fPIC", "-x", "c", "-", "-o", library], { input: source });
  return library;
}

test("with a clock that says 1970 the image is the same", async () => {
  const directory = temporaryDirectory();
  const env = { LD_PRELOAD: stoppedClock(directory) };
  const year = ["-e", "process.stdout.write(String(new Date().getFullYear()))"];
  const shown = execFileSync(process.execPath, year, {
    encoding: "utf8",
    env: { ...process.env, TZ: "UTC", ...env },
  });
  expect(shown).toBe("1970");
  const output = join(directory, "x.ext4");
  const result = await build(output, { env });
  expect(result.status, result.stderr).toBe(0);
  expect(sha256(output)).toBe(wanted);
});

test("the image's permissions are what the umask leaves", async () => {
  const output = join(temporaryDirectory(), "x.ext4");
  for (const [umask, mode] of [
    ["000", 0o666],
    ["077", 0o600],
  ] as const) {
    await build(output, { prefix: after(`umask ${umask}`) });
    expect(statSync(output).mode & 0o777).toBe(mode);
    rmSync(output);
  }
});

test("without a place for packages there is one error, which says how to give one", async () => {
  const env = { HOME: undefined, WICK_CACHE: undefined, XDG_CACHE_HOME: undefined };
  const output = join(temporaryDirectory(), "x.ext4");
  const result = await wick(["build", "deb:busybox-static", "-o", output], { env });
  expect(result.status).toBe(1);
  expect(result.stderr.match(/^error: .*$/gm)).toHaveLength(1);
  expect(result.stderr).toContain("[CONFIG_INVALID]");
  expect(result.stderr).toContain("hint: set");
  expect(result.stderr).not.toMatch(/^\s+at /m);
});

test("with --json and progress the standard output is one JSON object and nothing else", async () => {
  const output = join(temporaryDirectory(), "x.ext4");
  for (const progress of ["plain", "rawjson", "tty"]) {
    const result = await build(output, {}, ["--json", "--progress", progress]);
    expect(result.status, result.stderr).toBe(0);
    expect(JSON.parse(result.stdout)).toMatchObject({ path: output, format: "ext4" });
    expect(result.stdout.trimEnd()).not.toContain("\n{");
  }
});
