/** Bundles, booted by their own script with nothing of wick's running. */
import { execFileSync, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { freePort } from "../support/booted-machine.ts";
import { wick } from "../support/cli.ts";
import { fetchPage } from "../support/fetch-page.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const sha256 = (path: string): string =>
  createHash("sha256").update(readFileSync(path)).digest("hex");

interface Manifest {
  readonly format: string;
  readonly files: readonly { readonly path: string; readonly sha256: string }[];
}

async function bundle(words: readonly string[], prefix: readonly string[] = []): Promise<string> {
  const above = temporaryDirectory();
  chmodSync(above, 0o777);
  const directory = join(above, "out");
  const result = await wick(["build", "-q", "--bundle", directory, ...words], { prefix });
  expect(result.status, result.stderr).toBe(0);
  return directory;
}

function manifestOf(directory: string): Manifest {
  return JSON.parse(readFileSync(join(directory, "manifest.json"), "utf8")) as Manifest;
}

/** Files whose digest is not what the manifest says. */
function damaged(directory: string): string[] {
  const { files } = manifestOf(directory);
  return files
    .filter((file) => sha256(join(directory, file.path)) !== file.sha256)
    .map(({ path }) => path);
}

/** Changes one bit in the middle of a file; the second time back again. */
function flip(path: string): void {
  const bytes = readFileSync(path);
  bytes[bytes.length >> 1]! ^= 0x10;
  writeFileSync(path, bytes);
}

/** Fails unless `wick run SOURCE` refuses a flipped bit in `name`, by name, before any boot. */
async function expectRefusal(directory: string, name: string, source = directory): Promise<void> {
  flip(join(directory, name));
  const { status, stdout, stderr } = await wick(["run", source]);
  flip(join(directory, name));
  expect([status, stdout, stderr]).toEqual([125, "", expect.stringContaining("[DIGEST_MISMATCH]")]);
  expect(stderr).toContain(`${join(directory, name)} is not as it was made`);
  expect(stderr).not.toContain("Start the machine");
}

/** The bundle's own script; `output` grows, `done` gives the status. */
function runScript(directory: string) {
  const child = spawn(join(directory, "run-qemu.sh"), { stdio: ["ignore", "pipe", "pipe"] });
  const told = { output: "" };
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (bytes: Buffer) => void (told.output += bytes.toString("latin1")));
  }
  const done = new Promise<number | null>((resolve) => child.once("close", resolve));
  return { child, told, done };
}

const busybox = (script: string): string[] => [
  "deb:busybox-static",
  "--entrypoint",
  JSON.stringify(["/bin/busybox", "sh", "-c", script]),
];

test("a bundle of a root file system serves its page, can be written to, and stays as it was", async () => {
  const port = await freePort();
  const script = `mkdir /w && echo from the bundle > /w/index.html && exec busybox httpd -f -p ${port} -h /w`;
  const directory = await bundle([...busybox(script), "--expose", String(port)]);
  const { child, told, done } = runScript(directory);
  try {
    expect(await fetchPage(`http://127.0.0.1:${port}/`, 60_000), told.output).toBe(
      "from the bundle\n",
    );
  } finally {
    child.kill();
    await done;
  }
  const readme = readFileSync(join(directory, "README.md"), "utf8");
  expect(readme).toContain(`curl http://172.16.0.42:${port}/`);
  expect(readme).toContain(`The script publishes:\n\n- tcp 127.0.0.1:${port} is port ${port}`);
  expect(damaged(directory)).toEqual([]);
  for (const name of ["rootfs.ext4", "vmlinux", "initrd.cpio"])
    await expectRefusal(directory, name);
  await expectRefusal(directory, "rootfs.ext4", join(directory, "rootfs.ext4"));
  writeFileSync(join(directory, "run-qemu.sh"), "#\n", { flag: "a" });
  expect(damaged(directory)).toEqual(["run-qemu.sh"]);
  // What is not booted may be changed.
  const words = [
    "--entrypoint",
    '["/bin/busybox","sh","-c"]',
    "--append",
    "loglevel=3",
    "-e",
    "A=b",
  ];
  const ran = await wick(["run", ...words, directory, "echo $A; cat /proc/cmdline; exit 9"]);
  expect([ran.status, ran.stdout]).toEqual([
    9,
    expect.stringMatching(/^b\r?\n.* loglevel=3\r?\n$/u),
  ]);
}, 120_000);

test("a bundle of one file runs its application and ends with it", async () => {
  const words = [...busybox("echo hello from $(uname -m); exit 3"), "--format", "kernel"];
  const directory = await bundle(words);
  expect(readdirSync(directory)).toEqual([
    "README.md",
    "app.vmlinux",
    "firecracker-net.json",
    "firecracker.json",
    "manifest.json",
    "run-qemu.sh",
  ]);
  const { told, done } = runScript(directory);
  expect(await done, told.output).toBe(0);
  expect(told.output).toContain("hello from x86_64");
  expect(told.output).toContain("application exited with status 3");
  await expectRefusal(directory, "app.vmlinux");
}, 120_000);

test("an initramfs's bundle is the same bytes again, elsewhere and with another umask", async () => {
  const words = [...busybox("exit"), "--format", "initramfs", "--compression", "gzip"];
  const first = await bundle(words);
  const again = await bundle(words, ["sh", "-c", 'umask 077; exec "$@"', "sh"]);
  const names = readdirSync(first);
  expect(readdirSync(again)).toEqual(names);
  for (const name of names) {
    expect([name, sha256(join(again, name))]).toEqual([name, sha256(join(first, name))]);
  }
  expect(damaged(first)).toEqual([]);
});

test("wick run boots an initramfs's bundle as the bundle says, and refuses what was changed", async () => {
  const script = "echo $(nproc) $(cat /proc/cmdline); exit 4";
  const words = [...busybox(script), "--format", "initramfs", "--compression", "gzip"];
  const directory = await bundle([...words, "--cpus", "2", "--cmdline", "loglevel=4"]);
  const ran = await wick(["run", directory]);
  expect([ran.status, ran.stdout]).toEqual([4, expect.stringMatching(/^2 .* loglevel=4\r?\n$/u)]);
  for (const name of ["initrd.cpio", "vmlinux"]) await expectRefusal(directory, name);
  const manifest = join(directory, "manifest.json");
  const text = readFileSync(manifest, "utf8");
  for (const [from, to, code] of [
    ['"wick": 1', '"wick": 2', "CONFIG_INVALID"],
    ["{", "[", "CONFIG_INVALID"],
    ['"path": "vmlinux"', '"path": "../vmlinux"', "CONFIG_INVALID"],
    ['"path": "vmlinux"', '"path": "Image"', "CONFIG_INVALID"],
    ['"sizeBytes": ', '"sizeBytes": 1', "DIGEST_MISMATCH"],
  ] as const) {
    writeFileSync(manifest, text.replaceAll(from, to));
    const { status, stderr } = await wick(["run", directory]);
    expect([from, status, stderr]).toEqual([from, 125, expect.stringContaining(`[${code}]`)]);
  }
  writeFileSync(manifest, text);
  rmSync(join(directory, "vmlinux"));
  for (const [options, code] of [
    [[], "SOURCE_NOT_FOUND"],
    [["--kernel", "/boot/vmlinuz"], "USAGE"],
    [["--platform", "linux/arm64"], "USAGE"],
    [["--size", "1g"], "USAGE"],
  ] as const) {
    const { status, stderr } = await wick(["run", ...options, directory]);
    expect([options, status, stderr]).toEqual([options, 125, expect.stringContaining(`[${code}]`)]);
  }
  const built = await wick(["build", "-o", join(directory, "x.ext4"), directory]);
  expect([built.status, built.stderr]).toEqual([1, expect.stringContaining("[UNSUPPORTED]")]);
}, 120_000);

test("a bundle for aarch64 is made on any machine, with the kernel that Firecracker loads there", async () => {
  const words = [...busybox("exit"), "--platform", "linux/arm64", "-m", "300m", "--cpus", "2"];
  const directory = await bundle([...words, "--cmdline", "loglevel=4"]);
  const image = readFileSync(join(directory, "Image"));
  expect(image.subarray(0x38, 0x3c).toString()).toBe("ARM\x64");
  const config = JSON.parse(readFileSync(join(directory, "firecracker-net.json"), "utf8"));
  expect(config).toEqual({
    "boot-source": {
      kernel_image_path: "Image",
      initrd_path: "initrd.cpio",
      boot_args:
        "console=ttyS0 quiet panic=-1 loglevel=4 ip=172.16.0.42::172.16.0.1:255.255.255.0::eth0:off",
    },
    drives: [
      {
        drive_id: "rootfs",
        path_on_host: "rootfs.ext4",
        is_root_device: false,
        is_read_only: true,
      },
    ],
    "machine-config": { vcpu_count: 2, mem_size_mib: 300 },
    "network-interfaces": [
      { iface_id: "eth0", host_dev_name: "tap0", guest_mac: "06:00:ac:10:00:2a" },
    ],
    entropy: {},
    logger: { level: "Error" },
  });
  const offline = JSON.parse(readFileSync(join(directory, "firecracker.json"), "utf8"));
  expect(offline).not.toHaveProperty("network-interfaces");
  expect(offline["boot-source"].boot_args).not.toContain("ip=");
  expect(lineOfScript(directory, {})).toMatch(/ -accel tcg -cpu cortex-a57 -m 300M /u);
  expect(lineOfScript(directory, { ACCEL: "kvm" })).toMatch(/ -accel kvm -cpu host -m 300M /u);
});

/** What the script hands to QEMU: KVM for aarch64 is on no machine that this test runs on. */
function lineOfScript(directory: string, env: Readonly<Record<string, string>>): string {
  const programs = temporaryDirectory();
  const qemu = join(programs, "qemu-system-aarch64");
  writeFileSync(qemu, '#!/bin/sh\necho "" "$@"\n', { mode: 0o755 });
  const PATH = `${programs}:${process.env["PATH"]}`;
  return execFileSync(join(directory, "run-qemu.sh"), { env: { PATH, ...env }, encoding: "utf8" });
}

test("what goes wrong leaves nothing, and what is no bundle is left alone", async () => {
  const above = temporaryDirectory();
  const directory = join(above, "out");
  writeFileSync(join(above, "kernel"), "no kernel");
  const build = (...words: string[]) =>
    wick(["build", "-q", ...busybox("exit"), "--bundle", directory, ...words]);
  const broken = await build("--kernel", join(above, "kernel"));
  expect([broken.status, broken.stderr]).toEqual([1, expect.stringContaining("KERNEL_INVALID")]);
  const long = await build("--cmdline", "x".repeat(2000));
  expect([long.status, long.stderr]).toEqual([1, expect.stringContaining("VALUE_OUT_OF_RANGE")]);
  expect(readdirSync(above)).toEqual(["kernel"]);
  const foreign = await wick(["build", "-q", "--bundle", above, ...busybox("exit")]);
  expect(foreign.stderr).toMatch(/Cannot replace the directory .*: it holds kernel, wanted/u);
});

test("the README names no port where the application says none", async () => {
  const above = temporaryDirectory();
  writeFileSync(join(above, "app"), "");
  const directory = await bundle([`dir:${above}`, "--entrypoint", "/app"]);
  const readme = readFileSync(join(directory, "README.md"), "utf8");
  expect(readme).toContain("--config-file firecracker-net.json");
  expect(readme).not.toMatch(/curl|The script publishes/u);
});

test.each([
  [["--bundle", "out", "-o", "x.ext4"], "there are two outputs"],
  [[], "there is no output, wanted -o FILE or --bundle DIRECTORY"],
  [["--bundle", "out", "--format", "initramfs-list"], "a list does not"],
  [["-o", "x.ext4", "-m", "1g"], "--memory belongs to a machine"],
  [["-o", "x.ext4", "--kernel", "k"], "--bundle puts one beside it"],
  [["--bundle", "out", "--cpus", "33"], "Firecracker gives 32 at most"],
  [["--bundle", "out", "--cmdline", "a\nb"], 'is "a\\x0ab", wanted printable ASCII'],
  [["--bundle", "out", "--modules", "m"], "wanted --kernel FILE too"],
  [["--bundle", "out", "--format", "kernel", "-m", "32m"], "wanted at least"],
])("build %j is refused", async (words, expected) => {
  const cwd = temporaryDirectory();
  const result = await wick(["build", "-q", ...busybox("exit"), ...words], { cwd });
  expect([result.status, result.stderr]).toEqual([1, expect.stringContaining(expected)]);
  expect(readdirSync(cwd)).toEqual([]);
});
