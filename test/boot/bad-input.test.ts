import { execFileSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { startWick, wick, type CliResult } from "../support/cli.ts";
import { elfHead } from "../support/elf-head.ts";
import { lastingDirectory, temporaryDirectory } from "../support/temporary-directory.ts";

let busybox: string;

beforeAll(async () => {
  busybox = join(lastingDirectory(), "busybox.ext4");
  const words = ["-o", busybox, "--entrypoint", "/usr/bin/busybox", "deb:busybox-static"];
  const result = await wick(["build", ...words]);
  expect(result.status, result.stderr).toBe(0);
});

/** One clear error: its code once, a sentence, no stack trace. */
function expectError(result: CliResult, code: string, status: number): void {
  expect(result.status, result.stderr).toBe(status);
  expect(result.stderr.match(/^error: .*$/gm), result.stderr).toHaveLength(1);
  expect(result.stderr).toContain(`[${code}]`);
  expect(result.stderr).not.toMatch(/^\s+at /m);
  expect(result.stdout).not.toContain("{");
}

function tarOf(directory: string, ...flags: string[]): Buffer {
  return execFileSync("tar", [...flags, "-cf", "-", "-C", directory, "."], { maxBuffer: 1 << 28 });
}

test("a truncated tar is one error, and neither an image nor a temporary is left", async () => {
  const directory = temporaryDirectory();
  writeFileSync(join(directory, "big"), Buffer.alloc(3 << 20, 7));
  for (const [name, flags] of [
    ["cut.tar", []],
    ["cut.tar.gz", ["-z"]],
    ["cut.tar.xz", ["-J"]],
  ] as const) {
    const whole = tarOf(directory, ...flags);
    const work = temporaryDirectory();
    writeFileSync(join(work, name), whole.subarray(0, Math.floor(whole.length * 0.6)));
    const result = await wick([
      "build",
      `tar:${work}/${name}`,
      "--init",
      "none",
      "-o",
      join(work, "x.ext4"),
    ]);
    expectError(result, name === "cut.tar" ? "ARCHIVE_INVALID" : "COMPRESSION_INVALID", 1);
    expect(readdirSync(work)).toEqual([name]);
  }
});

test("a package that does not exist is named, with one that does as the hint", async () => {
  const output = join(temporaryDirectory(), "x.ext4");
  const result = await wick(["build", "deb:nginx-lihgt", "-o", output]);
  expectError(result, "SOURCE_NOT_FOUND", 1);
  expect(result.stderr).toContain("nginx-lihgt");
  expect(result.stderr).toMatch(/hint: .*nginx-light/);
  expect(existsSync(output)).toBe(false);
});

test("a size that is too small says what is needed, and the former image stays", async () => {
  const directory = temporaryDirectory();
  const output = join(directory, "x.ext4");
  writeFileSync(output, "former");
  const result = await wick([
    "build",
    "deb:busybox-static",
    "--entrypoint",
    "/x",
    "--size",
    "1m",
    "-o",
    output,
  ]);
  expectError(result, "IMAGE_TOO_SMALL", 1);
  expect(readFileSync(output, "utf8")).toBe("former");
  expect(readdirSync(directory)).toEqual(["x.ext4"]);
});

test("a full disk is one error, and what was written is gone", async () => {
  const directory = temporaryDirectory();
  const script =
    'mount -t tmpfs -o size=1m none "$0" || exit 99; "$@"; status=$?; ls -A "$0" >&2; exit $status';
  const prefix = ["unshare", "-rm", "sh", "-c", script, directory];
  const words = ["build", "--init", "none", "deb:busybox-static", "-o", join(directory, "x.ext4")];
  const result = await wick(words, { prefix });
  expectError(result, "DISK_FULL", 1);
  expect(result.stderr.trimEnd()).toMatch(/hint: .*$/);
});

test("sources that are wrong are told apart before anything is made", async () => {
  const directory = temporaryDirectory();
  writeFileSync(join(directory, "text.tar"), "this is not a tar archive\n".repeat(100));
  const output = join(directory, "x.ext4");
  for (const [source, code] of [
    ["dir:./no/such", "SOURCE_NOT_FOUND"],
    ["tar:./no-such.tar", "SOURCE_NOT_FOUND"],
    ["./no-such.ext4", "SOURCE_NOT_FOUND"],
    ["nginx:alpine", "SOURCE_NOT_FOUND"],
    ["oci:./layout", "SOURCE_NOT_FOUND"],
    ["bed:nginx", "SOURCE_NOT_FOUND"],
    ["list:./list", "SOURCE_NOT_FOUND"],
    ["bin:./program", "SOURCE_NOT_FOUND"],
    ["deb:", "USAGE"],
    ["deb:../x", "USAGE"],
    ["tar:./text.tar", "ARCHIVE_INVALID"],
  ] as const) {
    const words = ["build", "--pull", "never", "-o", output, source];
    expectError(await wick(words, { cwd: directory }), code, 1);
  }
  expect(readdirSync(directory)).toEqual(["text.tar"]);
});

test("a tree that names no application lists likely programs", async () => {
  const output = join(temporaryDirectory(), "x.ext4");
  const result = await wick(["build", "deb:busybox-static", "--recipe", "/dev/null", "-o", output]);
  expect(result.status).toBe(1);
  const none = await wick(["build", "deb:gzip", "-o", output]);
  expectError(none, "NO_APPLICATION", 1);
  expect(none.stderr).toMatch(/likely: .*\/gzip/);
  const ran = await wick(["run", "deb:gzip"]);
  expectError(ran, "NO_APPLICATION", 125);
  expect(ran.stderr).toMatch(/likely: .*\/gzip/);
});

test("wrong options of run are 125 and found before anything starts", async () => {
  for (const words of [
    ["-p", "99999:80"],
    ["-p", "80:80", "-p", "80:81"],
    ["-m", "0"],
    ["-m", "1e9"],
    ["--cpus", "1.5"],
    ["--timeout", "soon"],
    ["-h", "under_score"],
    ["--kernel", "/no/such"],
    ["--no-such-option"],
    ["-e", "=x"],
    ["--root", "other"],
    ["-w", "relative"],
    ["-u", "nobody-known"],
  ]) {
    const result = await wick(["run", ...words, busybox, "true"]);
    expect(result.status, words.join(" ")).toBe(125);
    expect(result.stderr.match(/^error: /gm), result.stderr).toHaveLength(1);
  }
});

test("options of docker run that a machine has not are one error with what wick has instead", async () => {
  for (const [words, message, more] of [
    ["-it --rm", "with -i, -t: an application's input is empty", "hint: .* sh -c"],
    [
      "-d --name web",
      "with -d, --name: a machine lives as long as",
      "--name: machines have no names",
    ],
    ["--privileged", "the whole machine belongs to its application", "hint: leave it out"],
    ["--restart always", "nothing watches over a machine", "hint: a service of systemd's"],
    ["--network host", "none of the host's ports", "hint: -p publishes ports"],
    ["--net=bridge", "machines are in no network of Docker's", "hint: --network user"],
  ] as const) {
    const result = await wick(["run", ...words.split(" "), busybox, "true"]);
    expectError(result, "UNSUPPORTED", 125);
    expect(result.stderr).toContain(message);
    expect(result.stderr).toMatch(new RegExp(more));
  }
  // What is so anyway is no error; the last word is, and says that the rest was taken.
  const harmless = ["--rm", "--restart", "no", "-l", "a=b", "--init", "-m", "0"];
  expectError(await wick(["run", ...harmless, busybox, "true"]), "USAGE", 125);
});

test("a busy port is an error before the guest starts", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as { port: number };
  const result = await wick(["run", "-p", `${port}:80`, busybox, "true"]);
  server.close();
  expectError(result, "PORT_BUSY", 125);
  expect(result.stderr).toContain(String(port));
});

test("a range of host ports gives the first free one", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as { port: number };
  const range = `${port}-${Math.min(65535, port + 20)}:80`;
  const running = startWick(["run", "-p", range, busybox, "httpd", "-f", "-p", "80"]);
  await running.shown("-> 80/tcp");
  const chosen = Number(/:(\d+) -> 80/.exec(running.text())![1]);
  running.child.kill("SIGTERM");
  await running.done;
  server.close();
  expect(chosen).toBeGreaterThan(port);
  expect(chosen).toBeLessThanOrEqual(port + 20);
});

test("a guest whose kernel panics is told from its console, and nothing keeps running", async () => {
  const result = await wick(["run", "-q", "--append", "rdinit=/no/such", busybox, "true"]);
  expectError(result, "GUEST_PANIC", 125);
  expect(result.stderr).toMatch(/VFS|init/);
});

test("too little memory ends with an error that says so", async () => {
  const result = await wick(["run", "-q", "-m", "16m", "--timeout", "20s", busybox, "true"]);
  expect(result.status, result.stderr).toBe(125);
  expect(result.stderr.match(/^error: /gm)).toHaveLength(1);
});

test("an application that ends at once is an error of its own, with its status", async () => {
  const seven = await wick(["run", "-p", "80", busybox, "sh", "-c", "echo bye; exit 7"]);
  expectError(seven, "NOT_READY", 7);
  expect(seven.stderr).toContain("ended with status 7 before it listened on port 80");
  const zero = await wick(["run", "-p", "80", busybox, "true"]);
  expectError(zero, "NOT_READY", 125);
});

test("an application that never listens ends with --timeout", async () => {
  const start = performance.now();
  const result = await wick(["run", "-p", "80", "--timeout", "15s", busybox, "sleep", "1000"]);
  expectError(result, "NOT_READY", 125);
  expect(result.stderr).toContain("nothing listened on port 80 within 15 s");
  expect(performance.now() - start).toBeLessThan(45_000);
});

test("without QEMU the error names the package to install", async () => {
  const qemu = execFileSync("sh", ["-c", "command -v qemu-system-x86_64"], {
    encoding: "utf8",
  }).trim();
  const script = 'mount --bind /dev/null "$0" || exit 99; exec "$@"';
  const result = await wick(["run", busybox, "true"], {
    prefix: ["unshare", "-rm", "sh", "-c", script, qemu],
  });
  expectError(result, "TOOL_MISSING", 125);
  expect(result.stderr).toContain("apt-get install qemu-system-x86");
});

test("a file that is no image cannot be looked into", async () => {
  const file = join(temporaryDirectory(), "x.ext4");
  writeFileSync(file, Buffer.alloc(1 << 20, 1));
  for (const words of [
    ["inspect", file],
    ["ls", file],
    ["cat", file, "/x"],
  ]) {
    const result = await wick(words);
    expectError(result, "IMAGE_INVALID", 1);
    expect(result.stderr).toContain("no image that wick knows");
  }
  const program = await wick(["inspect", "/bin/true"]);
  expectError(program, "IMAGE_INVALID", 1);
  expect(program.stderr).toContain("a kernel or another program (ELF), with nothing packed");
  expectError(await wick(["cat", busybox, "/no/such"]), "PATH_NOT_FOUND", 1);
  expectError(await wick(["cat", busybox, "/etc"]), "PATH_CONFLICT", 1);
});

type Machine = Parameters<typeof elfHead>[0]["machine"];

/** An image whose init is a script behind links, its interpreter a program for `machine`. */
async function imageFor(machine: Machine, format: string): Promise<string> {
  const tree = temporaryDirectory();
  const sbin = join(tree, "usr/sbin");
  mkdirSync(sbin, { recursive: true });
  symlinkSync("usr/sbin", join(tree, "sbin"));
  symlinkSync("/sbin/start", join(sbin, "init"));
  symlinkSync("sbin/init", join(tree, "init"));
  writeFileSync(join(sbin, "start"), "#! /usr/sbin/shell -e\n", { mode: 0o755 });
  writeFileSync(join(sbin, "shell"), elfHead({ machine }), { mode: 0o755 });
  const image = join(temporaryDirectory(), "image");
  const words = ["--init", "none", "--format", format, `dir:${tree}`, "-o", image];
  const built = await wick(["build", ...words]);
  expect(built.status, built.stderr).toBe(0);
  return image;
}

const [own, other] =
  process.arch === "arm64" ? (["arm64", "x86_64"] as const) : (["amd64", "aarch64"] as const);

test.each(["ext4", "erofs", "squashfs", "initramfs"])(
  "a platform that is not the one of %s's init is one error",
  async (format) => {
    const image = await imageFor(other, format);
    const refused = await wick(["run", "--platform", `linux/${own}`, image]);
    expectError(refused, "USAGE", 125);
    expect(refused.stderr).toContain(`its init is for ${other} [USAGE]\nhint: without --platform`);
  },
);

test("an image's machine is told before anything is looked for, and one that is none is an error", async () => {
  const image = await imageFor(other, "ext4");
  const noted = await wick(["run", "--kernel", image, image]);
  expectError(noted, "KERNEL_INVALID", 125);
  expect(noted.stderr).toContain(`note: the machine is for ${other}, as ${image} is\n`);
  const riscv = await wick(["run", await imageFor("riscv", "ext4")]);
  expectError(riscv, "UNSUPPORTED", 125);
  expect(riscv.stderr).toContain("its init is for riscv64, wanted x86_64 or aarch64");
});

test("Ctrl-C at any point of build and run leaves neither process nor file", async () => {
  for (const after of [50, 300, 700, 1200, 2500]) {
    const directory = temporaryDirectory();
    const output = join(directory, "x.ext4");
    const building = startWick(["build", "deb:nginx-light", "-o", output]);
    setTimeout(() => building.child.kill("SIGINT"), after);
    const result = await building.done;
    expect([0, 130, null], result.stderr).toContain(result.status);
    expect(readdirSync(directory)).toEqual(result.status === 0 ? ["x.ext4"] : []);
  }
  for (const after of [500, 1500, 3000]) {
    const running = startWick(["run", "-p", "80", busybox, "sleep", "1000"]);
    setTimeout(() => running.child.kill("SIGINT"), after);
    const result = await running.done;
    expect([130, null], result.stderr).toContain(result.status);
  }
});
