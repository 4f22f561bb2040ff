/** `wick check`: what an application will miss, found without starting it. */
import { execFileSync, spawnSync } from "node:child_process";
import {
  appendFileSync,
  chmodSync,
  copyFileSync,
  mkdirSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { initBinary } from "../../src/guest/index.ts";
import { AT_ONCE_MS } from "../support/at-once.ts";
import { startWick, wick } from "../support/cli.ts";
import { lastingDirectory, temporaryDirectory } from "../support/temporary-directory.ts";

let work: string;
const at = (name: string): string => join(work, name);

function cc(name: string, source: string, ...flags: string[]): string {
  mkdirSync(join(at(name), ".."), { recursive: true });
  writeFileSync(at(`${name}.c`), source);
  execFileSync("cc", ["-w", at(`${name}.c`), "-Os", "-o", at(name), ...flags]);
  rmSync(at(`${name}.c`));
  return at(name);
}

interface Finding {
  readonly severity: string;
  readonly what: string;
  readonly message: string;
  readonly hint: string;
}

async function found(...words: string[]) {
  const { status, stdout, stderr } = await wick(["check", "-q", "--json", ...words]);
  const findings = stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Finding);
  return { status, stderr, findings, whats: findings.map(({ what }) => what) };
}

const PLAIN = "int main(void) { return 0; }";
const CLIENT = `
int getaddrinfo(), getpwnam(), mkstemp(), dlopen();
int main(int n, char **v) { return getaddrinfo(v) + getpwnam(v) + mkstemp(v) + dlopen(v, n); }
`;

beforeAll(() => {
  work = lastingDirectory();
});

test("a static program that asks for nothing misses nothing beside wick's init", async () => {
  const program = `bin:${cc("plain", PLAIN, "-static")}`;
  const { status, stdout } = await wick(["check", "-q", program]);
  expect({ status, stdout }).toEqual({ status: 0, stdout: "nothing found that it would miss\n" });
  expect((await found("--init", "app", program)).whats).toContain("clock");
});

test("what a program imports says what it will look for, and a file that is there ends that", async () => {
  const program = `bin:${cc("client", CLIENT)}`;
  const withInit = await found(program);
  expect(withInit).toMatchObject({ status: 0, whats: ["accounts", "dlopen"] });
  const alone = await found("--init", "app", program);
  expect(alone.status).toBe(0);
  expect(alone.whats).toEqual(expect.arrayContaining(["accounts", "resolver", "/tmp", "clock"]));
  mkdirSync(at("empty/tmp"), { recursive: true });
  writeFileSync(at("text"), "root:x:0:0::/:/bin/sh\n");
  const added = [`${at("text")}:/etc/passwd`, `${at("text")}:/etc/resolv.conf`];
  const more = await found(
    "--init",
    "app",
    ...added.flatMap((file) => ["--add", file]),
    "--with",
    `dir:${at("empty")}`,
    program,
  );
  expect(more.whats.filter((what) => /accounts|resolver|tmp/.test(what))).toEqual([]);
});

test("a TLS library without certificates is told", async () => {
  const library = cc(
    "lib/libssl.so.9",
    "int tls(void) { return 0; }",
    "-shared",
    "-fPIC",
    "-Wl,-soname,libssl.so.9",
  );
  const program = cc(
    "tls",
    "int tls(void); int main(void) { return tls(); }",
    library,
    `-Wl,-rpath,${at("lib")}`,
  );
  const { findings } = await found(`bin:${program}`);
  expect(findings).toContainEqual(
    expect.objectContaining({ severity: "warning", what: "certificates" }),
  );
  expect(
    (await found(`bin:${program}`, "--add", `${program}:/etc/ssl/cert.pem`)).whats,
  ).not.toContain("certificates");
});

test("a library that is taken away is an error, as ld.so says; with it there is none", async () => {
  const root = at("root");
  const program = cc("root/app", PLAIN);
  const needed = execFileSync("ldd", [program], { encoding: "utf8" });
  for (const [path] of needed.matchAll(/\/\S+/g)) {
    mkdirSync(join(root, path, ".."), { recursive: true });
    copyFileSync(path, join(root, path));
  }
  const check = () => found("--entrypoint", "/app", `dir:${root}`);
  expect(await check()).toMatchObject({ status: 0, whats: [] });
  const libc = /=> (\/\S*libc\.so\.6)/.exec(needed)![1]!;
  rmSync(join(root, libc));
  expect(await check()).toMatchObject({
    status: 1,
    findings: [
      { severity: "error", what: "library", message: expect.stringContaining("libc.so.6") },
    ],
  });
  if (process.getuid?.() === 0) {
    const { stderr } = spawnSync("/usr/sbin/chroot", [root, "/app"], { encoding: "utf8" });
    expect(stderr).toContain("libc.so.6: cannot open shared object file");
  }
});

test("a script without its interpreter, no program, and one that is not there are errors", async () => {
  mkdirSync(at("scripts"));
  writeFileSync(at("scripts/a.sh"), "#!/bin/none -x\n", { mode: 0o755 });
  writeFileSync(at("scripts/text"), "words", { mode: 0o755 });
  for (const [entrypoint, what, message] of [
    ["/a.sh", "interpreter", /needs \/bin\/none/],
    ["/text", "program", /no ELF file and has no #! line/],
    ["/none", "program", /is not in the image/],
  ] as const) {
    const { status, findings } = await found("--entrypoint", entrypoint, `dir:${at("scripts")}`);
    expect(status).toBe(1);
    expect(findings).toMatchObject([
      {
        severity: "error",
        what,
        message: expect.stringMatching(message),
        hint: expect.any(String),
      },
    ]);
  }
  const { stdout } = await wick(["check", "-q", "--entrypoint", "/none", `dir:${at("scripts")}`]);
  expect(stdout).toMatch(/^SEVERITY  WHAT     FOUND .* WHAT TO DO\nerror     program  /);
});

test("a finished image is looked into as it is: an archive behind it takes its user away", async () => {
  const program = cc("image/app", PLAIN, "-static");
  mkdirSync(at("image/etc"));
  writeFileSync(at("image/etc/passwd"), "web:x:33:33::/:/bin/sh\n");
  const output = at("image.cpio");
  const made = await wick([
    "build",
    "-q",
    "-u",
    "web",
    "--entrypoint",
    "/app",
    `dir:${join(program, "..")}`,
    "-o",
    output,
  ]);
  expect(made.status, made.stderr).toBe(0);
  expect(await found(output)).toMatchObject({ status: 0, whats: [] });
  mkdirSync(at("over/etc"), { recursive: true });
  writeFileSync(at("over/etc/passwd"), "");
  const archive = execFileSync("cpio", ["-o", "-H", "newc", "--quiet"], {
    cwd: at("over"),
    input: "etc/passwd\n",
  });
  appendFileSync(output, archive);
  expect(await found(output)).toMatchObject({
    status: 1,
    findings: [{ what: "user", message: expect.stringContaining('"web"') }],
  });
});

test("a finished image is for the machine of its init, unless another one is named", async () => {
  const [own, other, otherArch] =
    process.arch === "arm64"
      ? (["arm64", "amd64", "x86_64"] as const)
      : (["amd64", "arm64", "aarch64"] as const);
  mkdirSync(at("other"));
  copyFileSync(initBinary(otherArch), at("other/app"));
  chmodSync(at("other/app"), 0o755);
  const output = at("other.ext4");
  const words = ["--platform", `linux/${other}`, "--entrypoint", "/app", `dir:${at("other")}`];
  expect((await wick(["build", "-q", ...words, "-o", output])).status).toBe(0);
  expect(await found(output)).toMatchObject({ status: 0 });
  const refused = await found("--platform", `linux/${own}`, output);
  expect(refused).toMatchObject({ status: 1, findings: [{ what: "architecture" }] });
});

test("V1 a wick check that is killed amid its source leaves no directory", async () => {
  const temporary = temporaryDirectory();
  const fifo = join(temporaryDirectory(), "app.tar");
  execFileSync("mkfifo", [fifo]);
  const checking = startWick(["check", `tar:${fifo}`], { env: { TMPDIR: temporary } });
  const made = (): string[] => readdirSync(temporary);
  const wanted = expect.arrayContaining([expect.stringMatching(/^wick-check-/)]);
  await expect.poll(made, { timeout: AT_ONCE_MS }).toEqual(wanted);
  checking.child.kill("SIGKILL");
  expect((await checking.done).signal).toBe("SIGKILL");
  await expect.poll(made, { timeout: AT_ONCE_MS }).toEqual([]);
});
