/** Packed Images for aarch64, booted with no initrd and no drive, as any VMM would load them. */
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { encodeCpio } from "../../src/formats/cpio/index.ts";
import { pack, type Packed, unpack } from "../../src/index.ts";
import { bootParts, rootArchive, runArchive, type BootParts } from "../support/boot-parts.ts";
import { freePort, startMachine } from "../support/booted-machine.ts";
import { startWick } from "../support/cli.ts";
import { fetchPage } from "../support/fetch-page.ts";
import { lastingDirectory, temporaryDirectory } from "../support/temporary-directory.ts";

const node = { kind: "file", mode: 0o644, uid: 0, gid: 0, mtime: 0 } as const;

let boot: BootParts;
let root: string;
let nginx: string;

beforeAll(async () => {
  boot = await bootParts("aarch64");
  const shared = lastingDirectory();
  root = join(shared, "root.cpio");
  const script =
    "cat /proc/cmdline; ifconfig eth0 | grep 10.0.2.15; httpd -p 8080; sleep 1; exit 7";
  writeFileSync(root, rootArchive(boot, { argv: ["sh", "-c", script], env: ["PATH=/bin"] }));
  nginx = join(shared, "nginx.cpio.gz");
  const words = ["build", "--platform", "linux/arm64", "deb:nginx-light", "-o", nginx];
  const built = await startWick([...words, "--format", "initramfs"]).done;
  expect(built.stderr + String(built.status)).toMatch(/0$/u);
}, 300_000);

/** One file with kernel, modules, init, `application` and one run's network. */
function packed(work: string, application: string, commandLine?: string): Promise<Packed> {
  const addresses = [{ interface: "eth0", address: "10.0.2.15/24" }];
  const base = join(work, "base.cpio");
  const run = join(work, "run.cpio");
  writeFileSync(base, boot.base);
  writeFileSync(run, runArchive(work, { addresses, gateway: "10.0.2.2", ports: [8080] }));
  const files = { kernel: boot.kernel, initramfs: [base, application, run] };
  const line = commandLine === undefined ? {} : { commandLine };
  return pack({ ...files, output: join(work, "packed"), ...line }, context(work));
}

const context = (workingDirectory: string) => ({
  environment: {},
  workingDirectory,
  onEvent: () => undefined,
});

test("a packed Image boots with the VMM's command line, and its application listens", async () => {
  const work = temporaryDirectory();
  const { output } = await packed(work, root);
  const machine = await startMachine({ ...boot, kernel: output }, { work, network: true });
  const result = await machine.end();
  expect(result.console).toContain("console=ttyAMA0 panic=-1 quiet");
  expect(result.console).toContain("10.0.2.15");
  expect(result.reports).toContainEqual(expect.objectContaining({ kind: "listening", port: 8080 }));
  expect(result.final).toMatchObject({ kind: "exited", status: 7 });
});

test("a built-in command line goes around the VMM's own, and replaces its initrd", async () => {
  const work = temporaryDirectory();
  const { output } = await packed(work, root, "wick.first=1 -- built in");
  const initrd = join(work, "vmm-initrd");
  writeFileSync(initrd, new Uint8Array(4096));
  const spec = { work, initrd, network: true, commandLine: "vmm=1 -- own" };
  const machine = await startMachine({ ...boot, kernel: output }, spec);
  const result = await machine.end();
  expect(result.console).toMatch(
    /wick\.first=1 console=ttyAMA0 panic=-1 quiet vmm=1 -- built in own/u,
  );
  expect(result.final).toMatchObject({ kind: "exited", status: 7 });
});

test("nginx in a packed Image answers, in the memory that pack states", async () => {
  const work = temporaryDirectory();
  const { output, leastMemoryMiB } = await packed(work, nginx, "cma=0");
  const host = await freePort();
  const port = { host, guest: 80 };
  const spec = { work, port, memoryMiB: leastMemoryMiB };
  const machine = await startMachine({ ...boot, kernel: output }, spec);
  expect(await fetchPage(`http://127.0.0.1:${host}/`)).toContain("Welcome to nginx!");
  await machine.kill();
});

test("unpack gives kernel and initramfs back byte for byte, and refuses a changed one", async () => {
  const work = temporaryDirectory();
  const { output } = await packed(work, root, "quiet");
  const parts = { kernel: join(work, "kernel"), initramfs: join(work, "initramfs") };
  const record = await unpack({ file: output, ...parts }, context(work));
  expect(record.commandLine).toBe("quiet");
  expect(readFileSync(parts.kernel).equals(readFileSync(boot.kernel))).toBe(true);
  const archives = [join(work, "base.cpio"), root, join(work, "run.cpio")];
  const whole = Buffer.concat(archives.map((path) => readFileSync(path)));
  expect(readFileSync(parts.initramfs).equals(whole)).toBe(true);
  const given = { kernel: parts.kernel, initramfs: archives, commandLine: "quiet" };
  const again = await pack({ ...given, output: join(work, "again") }, context(work));
  expect(readFileSync(again.output).equals(readFileSync(output))).toBe(true);
  const bytes = readFileSync(output);
  bytes[record.initramfs.offset + 200]! ^= 1;
  writeFileSync(output, bytes);
  const refused = unpack({ file: output, initramfs: parts.initramfs }, context(work));
  await expect(refused).rejects.toMatchObject({ code: "DIGEST_MISMATCH" });
  const plain = unpack({ file: boot.kernel }, context(work));
  await expect(plain).rejects.toMatchObject({ code: "KERNEL_INVALID" });
});

test("what follows an lz4 archive has the zeros before it that end the kernel's lz4", async () => {
  const work = temporaryDirectory();
  const first = join(work, "first.cpio.lz4");
  // Whatever its length is: so many bytes of a name make it a multiple of 4.
  for (let name = "f"; ; name += "x") {
    const archive = encodeCpio([{ ...node, path: Buffer.from(name) }]);
    writeFileSync(first, execFileSync("lz4", ["-l", "-q", "-c"], { input: archive }));
    if (statSync(first).size % 4 === 0) break;
  }
  const second = join(work, "second.cpio");
  writeFileSync(second, encodeCpio([{ ...node, path: Buffer.from("second") }]));
  const files = { kernel: boot.kernel, initramfs: [first, second] };
  const { output } = await pack({ ...files, output: join(work, "packed") }, context(work));
  const initramfs = join(work, "initramfs");
  await unpack({ file: output, initramfs }, context(work));
  const whole = readFileSync(initramfs);
  const { size } = statSync(first);
  expect(whole.subarray(size, size + 4)).toEqual(Buffer.alloc(4));
  expect(whole.subarray(size + 4)).toEqual(readFileSync(second));
});

test("what is no file, and two outputs in one place, are refused at once", async () => {
  const work = temporaryDirectory();
  const fifo = join(work, "fifo");
  execFileSync("mkfifo", [fifo]);
  const output = join(work, "packed");
  const refused = { code: "SOURCE_FAILED", message: expect.stringContaining("no regular file") };
  const files = { kernel: boot.kernel, initramfs: [fifo], output };
  await expect(pack(files, context(work))).rejects.toMatchObject(refused);
  const asKernel = { ...files, kernel: fifo, initramfs: [root] };
  await expect(pack(asKernel, context(work))).rejects.toMatchObject(refused);
  await expect(unpack({ file: fifo }, context(work))).rejects.toMatchObject(refused);
  const twice = unpack({ file: fifo, kernel: output, initramfs: output }, context(work));
  await expect(twice).rejects.toMatchObject({ code: "USAGE" });
  expect(readdirSync(work)).toEqual(["fifo"]);
});
