/** Packed files as users have them: built by one command, run by another, looked into. */
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, expect, test, vi } from "vitest";
import { AT_ONCE_MS } from "../support/at-once.ts";
import { jsonOf, startWick, wick } from "../support/cli.ts";
import { fetchPage } from "../support/fetch-page.ts";
import { lastingDirectory, temporaryDirectory } from "../support/temporary-directory.ts";

// Several of them build and boot twice.
vi.setConfig({ testTimeout: 120_000 });

/** The shell, with a built-in command line, for the article's board, aarch64; nginx for both. */
let images: string;
const image = (name: string): string => join(images, `${name}.image`);
const vmlinux = (name: string): string => join(images, `${name}.vmlinux`);
const arm = ["--platform", "linux/arm64"];
const shellWords = ["--entrypoint", "/usr/bin/busybox", "--cmd", '["sh","-c","exit 9"]'];

interface BuiltJson {
  readonly format: string;
  readonly image: { readonly sizeBytes: number };
  readonly packed: {
    readonly record: { readonly leastMemoryMiB: number };
    readonly commandByHand: readonly string[];
  };
}

const build = async (output: string, ...words: string[]): Promise<BuiltJson> =>
  jsonOf(await wick(["build", "--json", "-q", ...words, "-o", output]));

beforeAll(async () => {
  images = lastingDirectory();
  const line = ["--cmdline", "wick.built=in cma=0"];
  await build(image("shell"), ...arm, ...line, ...shellWords, "deb:busybox-static");
  await build(image("nginx"), ...arm, "deb:nginx-light");
  await build(vmlinux("nginx"), "--platform", "linux/amd64", "deb:nginx-light");
}, 300_000);

/** A shell line in place of what the file runs. */
const shell = (line: string, ...options: string[]) =>
  wick(["run", "-q", ...options, image("shell"), "sh", "-c", line]);

const portOf = (text: string): string => /127\.0\.0\.1:(\d+) -> 80\/tcp/.exec(text)![1]!;

test("nginx in a packed Image answers, and Ctrl-C ends its machine with 130", async () => {
  const running = startWick(["run", "-p", "80", image("nginx")]);
  await running.shown("-> 80/tcp");
  const page = await fetchPage(`http://127.0.0.1:${portOf(running.text())}/`);
  expect(page).toContain("Welcome to nginx!");
  running.child.kill("SIGINT");
  expect((await running.done).status).toBe(130);
});

test("nginx in a packed vmlinux answers; SIGKILL of wick takes its machine along", async () => {
  const temporary = temporaryDirectory();
  const env = { TMPDIR: temporary };
  const running = startWick(["run", "-p", "80", vmlinux("nginx")], { env });
  await running.shown("-> 80/tcp");
  const address = `http://127.0.0.1:${portOf(running.text())}/`;
  expect(await fetchPage(address)).toContain("Welcome to nginx!");
  running.child.kill("SIGKILL");
  expect((await running.done).signal).toBe("SIGKILL");
  const answers = (): Promise<boolean> => fetch(address).then(Boolean, () => false);
  await expect.poll(answers, { timeout: AT_ONCE_MS }).toBe(false);
  // What it left in TMPDIR the next command sweeps.
  const line = ["sh", "-c", "exit 5"];
  const next = await wick(["run", "-q", image("shell"), ...line], { env });
  expect([next.status, next.stderr]).toEqual([5, expect.anything()]);
  expect(readdirSync(temporary)).toEqual([]);
});

test("a run's command, environment, user, name, status and both command lines hold", async () => {
  const line = 'echo "$GREETING $(id -u) $(hostname)"; cat /proc/cmdline; echo x > /tmp/x; exit 3';
  const options = ["-e", "GREETING=run", "-u", "www-data", "-h", "board", "--append", "wick.own=1"];
  const result = await shell(line, ...options);
  expect(result.stdout).toContain("run 33 board");
  expect(result.stdout).toMatch(/wick\.built=in cma=0 console=ttyAMA0 quiet panic=-1 wick\.own=1/u);
  expect(result.status).toBe(3);
});

test("less memory than stated is refused with its parts, and what it cannot take at all", async () => {
  const { leastMemoryMiB } = await recordOf(image("shell"));
  const refused = await shell("true", "-m", `${leastMemoryMiB - 1}m`);
  expect(refused.status).toBe(125);
  expect(refused.stderr).toMatch(/wanted at least \d+ MiB \(kernel [\d.]+, initramfs [\d.]+/u);
  const least = /wanted at least (\d+) MiB/.exec(refused.stderr)?.[1];
  // This run's own archive is a little on top.
  expect(Number(least) - leastMemoryMiB).toBeLessThanOrEqual(1);
  expect((await shell("echo began", "-m", `${least}m`)).stdout).toContain("began");
  const cases = [
    [["--kernel", image("shell")], "a kernel of its own"],
    [["--platform", "linux/amd64"], "its kernel is for aarch64"],
    [["--root", "copy"], "in memory"],
    [["--size", "1g"], "it is finished"],
    [["--append", "x".repeat(2000)], "wanted at most 2047"],
  ] as const;
  for (const [options, words] of cases) {
    const { status, stderr } = await shell("true", ...options);
    expect([status, stderr]).toEqual([125, expect.stringContaining(words)]);
  }
});

const recordOf = async (path: string) => {
  const text = await wick(["inspect", "--json", path]);
  return jsonOf<{ packed: { leastMemoryMiB: number; initramfs: { offset: number } } }>(text).packed;
};

test("inspect shows the parts, with what is inside; ls and cat read the initramfs", async () => {
  const { stdout } = await wick(["inspect", image("shell")]);
  const image26 = /kernel: +Image \S+arm64 for aarch64, [\d.]+ MiB, sha256 ([\da-f]{64})\n/u;
  const kernel = image26.exec(stdout)?.[1];
  expect(stdout).toMatch(/initramfs: +[\d.]+ MiB, sha256 [\da-f]{64}\n/u);
  expect(stdout).toMatch(/cmdline: +wick\.built=in cma=0\nmemory: +at least \d+ MiB\n/u);
  expect(stdout).toContain("application: /usr/bin/busybox sh -c exit 9");
  const plain = join(temporaryDirectory(), "Image");
  await wick(["unpack", image("shell"), "--kernel", plain]);
  expect(execFileSync("sha256sum", [plain]).toString()).toContain(kernel);
  expect((await wick(["ls", image("shell"), "/.wick/modules"])).stdout).toContain("virtio_net.ko");
  expect((await wick(["cat", image("shell"), "/etc/passwd"])).stdout).toMatch(/^root:/u);
});

test("an archive behind a compressed one lies over it, for wick as for the kernel", async () => {
  const work = temporaryDirectory();
  const [kernel, app] = [join(work, "Image"), join(work, "app.cpio.gz")];
  const [late, both] = [join(work, "late.cpio"), join(work, "both.image")];
  await build(app, ...arm, ...shellWords, "deb:busybox-static");
  await wick(["unpack", image("shell"), "--kernel", kernel]);
  const archive = `printf 'behind it' > late; echo late | cpio -o --quiet -H newc > ${late}`;
  execFileSync("sh", ["-ec", archive], { cwd: work });
  await wick(["pack", kernel, app, late, "-o", both, "--cmdline", "cma=0"]);
  expect((await wick(["cat", both, "/late"])).stdout).toBe("behind it");
  const result = await wick(["run", "-q", both, "sh", "-c", "cat /late; exit 7"]);
  expect([result.status, result.stdout]).toEqual([7, expect.stringContaining("behind it")]);
});

test("drivers that the file has not come from its own kernel's modules, or are named", async () => {
  const work = temporaryDirectory();
  const [plain, kernel] = [join(work, "app.cpio.gz"), join(work, "Image")];
  const bare = join(work, "bare.image");
  await build(plain, ...arm, ...shellWords, "deb:busybox-static");
  await wick(["unpack", image("shell"), "--kernel", kernel]);
  await wick(["pack", kernel, plain, "-o", bare]);
  writeFileSync(join(work, "file"), "from the host");
  const line = ["sh", "-c", "cat /data/file; ifconfig eth0; exit 6"];
  const words = ["run", "-q", "-v", `${work}:/data`, bare, ...line];
  const result = await wick(words);
  expect([result.status, result.stderr]).toEqual([6, expect.anything()]);
  expect(result.stdout).toMatch(/from the host[^]*inet addr:10\.0\.2\.15/u);
  const refused = await wick(words, { env: { WICK_CACHE: join(work, "empty") } });
  expect(refused.status).toBe(125);
  expect(refused.stderr).toMatch(/no virtio_pci, virtio_console, virtio_net, virtio_blk built in/u);
  expect(refused.stderr).toContain("--modules DIR");
});

test("a damaged record, initramfs or kernel is refused before anything starts", async () => {
  const work = temporaryDirectory();
  const damaged = join(work, "damaged.image");
  const whole = readFileSync(image("shell"));
  const { initramfs } = await recordOf(image("shell"));
  const cases = [
    [whole.length - 40, "KERNEL_INVALID"],
    [initramfs.offset + 5000, "DIGEST_MISMATCH"],
    [1 << 20, "DIGEST_MISMATCH"],
    [whole.length - 1, "SOURCE_FAILED"],
  ] as const;
  for (const [at, code] of cases) {
    const bytes = Buffer.from(whole);
    bytes[at]! ^= 0x80;
    writeFileSync(damaged, bytes);
    const result = await wick(["run", "-q", damaged]);
    expect([result.status, result.stderr]).toEqual([125, expect.stringContaining(`[${code}]`)]);
  }
  expect((await wick(["inspect", damaged])).stderr).toMatch(/error: .*\[[A-Z_]+\]/u);
});

test("two builds are alike, and boot by the plain line that the build prints", async () => {
  const work = temporaryDirectory();
  const outputs = ["1.image", "2.image"].map((name) => join(work, name));
  const words = [...arm, "--entrypoint", "/usr/bin/busybox", "--cmd", '["echo","by hand"]'];
  const built = [];
  for (const output of outputs) built.push(await build(output, ...words, "deb:busybox-static"));
  expect(readFileSync(outputs[0]!).equals(readFileSync(outputs[1]!))).toBe(true);
  const [program, ...line] = built[0]!.packed.commandByHand;
  expect([line.includes("-initrd"), line.includes("-drive")]).toEqual([false, false]);
  const stdio = ["ignore", "pipe", "pipe"] as const;
  const said = execFileSync(program!, line, { stdio: [...stdio], timeout: 60_000 }).toString();
  expect(said).toContain("by hand");
});

const printWords = fileURLToPath(new URL("../support/guest/print-words.c", import.meta.url));
const compilers = { amd64: "gcc", arm64: "aarch64-linux-gnu-gcc" } as const;

test.each([
  ["vmlinux", "amd64"],
  ["bzImage", "amd64"],
  ["image", "arm64"],
] as const)(
  "--init app in a .%s: words are built in; a run's own come in their place",
  async (suffix, arch) => {
    const work = temporaryDirectory();
    const [program, output] = [join(work, "app"), join(work, `app.${suffix}`)];
    const flags = ["-Os", "-nostdlib", "-static", "-ffreestanding", "-fno-stack-protector"];
    execFileSync(compilers[arch], [...flags, "-o", program, printWords]);
    const words = ["--init", "app", "-e", "NAME=built", "--cmd", "one", `bin:${program}`];
    await build(output, "--platform", `linux/${arch}`, ...words);
    const as = await wick(["run", "-q", output]);
    expect([as.status, as.stdout]).toEqual([3, expect.stringMatching(/^one\r?$[^]*^NAME=built/mu)]);
    expect(as.stdout).not.toContain("panic - not");
    const own = await wick(["run", "-q", "-e", "NAME=run", output, "two"]);
    expect([own.status, own.stdout]).toEqual([3, expect.stringMatching(/^two\r?$[^]*^NAME=run/mu)]);
    expect(own.stdout).not.toMatch(/^one/mu);
  },
);

test("run --format kernel packs for this run; what needs a kernel is refused without one", async () => {
  const words = ["--format", "kernel", ...arm, "--entrypoint", "/usr/bin/busybox"];
  const result = await wick(["run", "-q", ...words, "deb:busybox-static", "sh", "-c", "exit 4"]);
  expect([result.status, result.stderr]).toEqual([4, expect.anything()]);
  const work = temporaryDirectory();
  const source = ["-q", ...arm, ...shellWords, "deb:busybox-static"];
  const refused = [
    [["-o", join(work, "x.ext4"), "--cmdline", "quiet"], "no kernel is in it"],
    [["-o", join(work, "x.bzImage")], "it is an Image"],
    [["-o", join(work, "x.image"), "--modules", "/lib"], "they belong to a kernel"],
    [["-o", join(work, "x.image"), "--kernel", "/etc/passwd"], "KERNEL_INVALID"],
    [["-o", join(work, "x.image"), "--size", "1g"], "unpacked into memory"],
  ] as const;
  for (const [options, words] of refused) {
    const { status, stderr } = await wick(["build", ...options, ...source]);
    expect([status, stderr]).toEqual([1, expect.stringContaining(words)]);
  }
  expect(readdirSync(work)).toEqual([]);
});
