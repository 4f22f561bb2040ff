/** Packed vmlinux files for x86_64, booted with no initrd and no drive, as any VMM would load them. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { pack, type Packed, unpack } from "../../src/index.ts";
import { unpackKernelFile } from "../../src/kernel/index.ts";
import { bootParts, rootArchive, runArchive, type BootParts } from "../support/boot-parts.ts";
import { freePort, startMachine } from "../support/booted-machine.ts";
import { startWick } from "../support/cli.ts";
import { fetchPage } from "../support/fetch-page.ts";
import { lastingDirectory, temporaryDirectory } from "../support/temporary-directory.ts";

let boot: BootParts;
let vmlinux: string;
let root: string;
let nginx: string;

beforeAll(async () => {
  boot = await bootParts();
  const shared = lastingDirectory();
  vmlinux = join(shared, "vmlinux");
  writeFileSync(vmlinux, (await unpackKernelFile(boot.kernel)).bytes);
  root = join(shared, "root.cpio");
  const script = "cat /proc/cmdline; ifconfig eth0 | grep 10.0.2.15; exit 7";
  writeFileSync(root, rootArchive(boot, { argv: ["sh", "-c", script], env: ["PATH=/bin"] }));
  nginx = join(shared, "nginx.cpio.gz");
  const words = ["build", "deb:nginx-light", "-o", nginx, "--format", "initramfs"];
  const built = await startWick(words).done;
  expect(built.stderr + String(built.status)).toMatch(/0$/u);
}, 300_000);

/** One file with kernel, modules, init, `application` and one run's network. */
function packed(work: string, application: string, commandLine?: string): Promise<Packed> {
  const addresses = [{ interface: "eth0", address: "10.0.2.15/24" }];
  const base = join(work, "base.cpio");
  const run = join(work, "run.cpio");
  writeFileSync(base, boot.base);
  writeFileSync(run, runArchive(work, { addresses, gateway: "10.0.2.2" }));
  const files = { kernel: vmlinux, initramfs: [base, application, run] };
  const line = commandLine === undefined ? {} : { commandLine };
  return pack({ ...files, output: join(work, "packed"), ...line }, context(work));
}

const context = (workingDirectory: string) => ({
  environment: {},
  workingDirectory,
  onEvent: () => undefined,
});

/** Boots the file in the memory that pack states; what the console showed. */
async function booted(
  work: string,
  { output, leastMemoryMiB }: Packed,
  line: { readonly wholeLine?: string; readonly commandLine?: string; readonly initrd?: string },
): Promise<string> {
  const spec = { work, network: true, memoryMiB: leastMemoryMiB, ...line };
  const machine = await startMachine({ ...boot, kernel: output }, spec);
  const result = await machine.end();
  expect(result.final).toMatchObject({ kind: "exited", status: 7 });
  expect(result.console).toContain("10.0.2.15");
  return result.console;
}

test("a packed vmlinux boots with the VMM's command line", async () => {
  const work = temporaryDirectory();
  const text = await booted(work, await packed(work, root), {});
  expect(text).toMatch(/^console=ttyS0 panic=-1 quiet/mu);
});

test("a packed vmlinux boots with its built-in command line and none of the VMM's", async () => {
  const work = temporaryDirectory();
  const file = await packed(work, root, "console=ttyS0 panic=-1 quiet wick.first=1 -- a b");
  const text = await booted(work, file, { wholeLine: "" });
  expect(text).toMatch(/^console=ttyS0 panic=-1 quiet wick\.first=1 +-- a b/mu);
});

test("a built-in command line goes around the VMM's own, and replaces its initrd", async () => {
  const work = temporaryDirectory();
  const file = await packed(work, root, "wick.first=1 -- built in");
  const initrd = join(work, "vmm-initrd");
  writeFileSync(initrd, new Uint8Array(4096));
  const text = await booted(work, file, { commandLine: "vmm=1 -- own", initrd });
  expect(text).toContain("wick.first=1 console=ttyS0 panic=-1 quiet vmm=1 -- built in own");
});

test("nginx in a packed vmlinux answers, in the memory that pack states", async () => {
  const work = temporaryDirectory();
  const { output, leastMemoryMiB } = await packed(work, nginx);
  const host = await freePort();
  const spec = { work, port: { host, guest: 80 }, memoryMiB: leastMemoryMiB };
  const machine = await startMachine({ ...boot, kernel: output }, spec);
  expect(await fetchPage(`http://127.0.0.1:${host}/`)).toContain("Welcome to nginx!");
  await machine.kill();
});

test("unpack gives the kernel in its compact form and the initramfs byte for byte", async () => {
  const work = temporaryDirectory();
  const { output } = await packed(work, root, "quiet");
  const parts = { kernel: join(work, "kernel"), initramfs: join(work, "initramfs") };
  await unpack({ file: output, ...parts }, context(work));
  const archives = [join(work, "base.cpio"), root, join(work, "run.cpio")];
  const whole = Buffer.concat(archives.map((path) => readFileSync(path)));
  expect(readFileSync(parts.initramfs).equals(whole)).toBe(true);
  // The same file comes of the compact kernel, and one that knows nothing of the first initramfs.
  const given = { kernel: parts.kernel, commandLine: "quiet" };
  const again = await pack(
    { ...given, initramfs: [parts.initramfs], output: join(work, "again") },
    context(work),
  );
  expect(readFileSync(again.output).equals(readFileSync(output))).toBe(true);
});
