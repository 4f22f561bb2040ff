/** Packed kernels for x86_64, booted with no initrd and no drive, as any VMM would load them. */
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { pack, type Packed, unpack } from "../../src/index.ts";
import { unpackKernelFile } from "../../src/kernel/index.ts";
import { bootParts, rootArchive, runArchive, type BootParts } from "../support/boot-parts.ts";
import { freePort, startMachine, type BootSpec } from "../support/booted-machine.ts";
import { startWick } from "../support/cli.ts";
import { fetchPage } from "../support/fetch-page.ts";
import { buildLinux64Loader } from "../support/linux64-loader.ts";
import { lastingDirectory, temporaryDirectory } from "../support/temporary-directory.ts";

const forms = ["ELF", "bzImage"] as const;

let boot: BootParts;
let kernels: Record<(typeof forms)[number], string>;
let root: string;
let nginx: string;
let loader: string;

beforeAll(async () => {
  boot = await bootParts();
  const shared = lastingDirectory();
  kernels = { ELF: join(shared, "vmlinux"), bzImage: boot.kernel };
  writeFileSync(kernels.ELF, (await unpackKernelFile(boot.kernel)).bytes);
  loader = buildLinux64Loader(shared);
  root = join(shared, "root.cpio");
  const script = "cat /proc/cmdline; ifconfig eth0 | grep 10.0.2.15; exit 7";
  writeFileSync(root, rootArchive(boot, { argv: ["sh", "-c", script], env: ["PATH=/bin"] }));
  nginx = join(shared, "nginx.cpio.gz");
  const words = ["build", "deb:nginx-light", "-o", nginx, "--format", "initramfs"];
  const built = await startWick(words).done;
  expect(built.stderr + String(built.status)).toMatch(/0$/u);
}, 300_000);

const context = (workingDirectory: string) => ({
  environment: {},
  workingDirectory,
  onEvent: () => undefined,
});

interface Parts {
  readonly kernel: string;
  readonly application?: string;
  readonly commandLine?: string;
}

/** One file with kernel, modules, init, application and one run's network. */
function packed(work: string, { kernel, application = root, ...line }: Parts): Promise<Packed> {
  const addresses = [{ interface: "eth0", address: "10.0.2.15/24" }];
  const base = join(work, "base.cpio");
  const run = join(work, "run.cpio");
  writeFileSync(base, boot.base);
  writeFileSync(run, runArchive(work, { addresses, gateway: "10.0.2.2" }));
  const files = { kernel, initramfs: [base, application, run] };
  return pack({ ...files, output: join(work, "packed"), ...line }, context(work));
}

/** Boots `kernel` until the application has ended; what the console showed. */
async function console(kernel: string, spec: BootSpec): Promise<string> {
  const machine = await startMachine({ ...boot, kernel }, { network: true, ...spec });
  const result = await machine.end(150_000);
  if (result.final === undefined) throw new Error(result.console);
  expect(result.final).toMatchObject({ kind: "exited", status: 7 });
  expect(result.console).toContain("10.0.2.15");
  return result.console;
}

test.each(forms)("nginx in a packed %s answers, in the memory that pack states", async (form) => {
  const work = temporaryDirectory();
  const { output, leastMemoryMiB } = await packed(work, {
    kernel: kernels[form],
    application: nginx,
  });
  const host = await freePort();
  const spec = { work, port: { host, guest: 80 }, memoryMiB: leastMemoryMiB };
  const machine = await startMachine({ ...boot, kernel: output }, spec);
  expect(await fetchPage(`http://127.0.0.1:${host}/`)).toContain("Welcome to nginx!");
  await machine.kill();
});

test.each(forms)("a packed %s boots with its built-in command line alone", async (form) => {
  const work = temporaryDirectory();
  const commandLine = "console=ttyS0 panic=-1 quiet wick.first=1 -- a b";
  const { output, leastMemoryMiB } = await packed(work, { kernel: kernels[form], commandLine });
  const text = await console(output, { work, wholeLine: "", memoryMiB: leastMemoryMiB });
  expect(text).toMatch(/^console=ttyS0 panic=-1 quiet wick\.first=1 +-- a b/mu);
});

const joined = /^wick\.first=1 console=ttyS0 panic=-1 quiet vmm=1 +-- built in own/mu;

test.each(forms)(
  "a packed %s joins its line and the VMM's, and replaces its initrd",
  async (form) => {
    const work = temporaryDirectory();
    const commandLine = "wick.first=1 -- built in";
    const { output, leastMemoryMiB } = await packed(work, { kernel: kernels[form], commandLine });
    const initrd = join(work, "vmm-initrd");
    writeFileSync(initrd, new Uint8Array(4096));
    const spec = { work, initrd, commandLine: "vmm=1 -- own", memoryMiB: leastMemoryMiB };
    expect(await console(output, spec)).toMatch(joined);
  },
);

test.each(forms)("a packed %s boots the same by the 64-bit Linux protocol", async (form) => {
  const work = temporaryDirectory();
  const { output } = await packed(work, {
    kernel: kernels[form],
    commandLine: "wick.first=1 -- built in",
  });
  const spec = { work, initrd: output, commandLine: "vmm=1 -- own" };
  expect(await console(loader, spec)).toMatch(joined);
});

/** The initramfs files of {@link packed}, as they were given. */
const given = (work: string) => [join(work, "base.cpio"), root, join(work, "run.cpio")];

test.each(forms)(
  "unpack gives the parts of a packed %s, which pack to the same file",
  async (form) => {
    const work = temporaryDirectory();
    const { output } = await packed(work, { kernel: kernels[form], commandLine: "quiet" });
    const parts = { kernel: join(work, "kernel"), initramfs: join(work, "initramfs") };
    const record = await unpack({ file: output, ...parts }, context(work));
    expect(record).toMatchObject({ form, arch: "x86_64", commandLine: "quiet" });
    const archives = Buffer.concat(given(work).map((path) => readFileSync(path)));
    expect(readFileSync(parts.initramfs).equals(archives)).toBe(true);
    const isSame = readFileSync(parts.kernel).equals(readFileSync(kernels[form]));
    expect(isSame).toBe(form === "bzImage"); // an ELF comes back without its sections
    const again = await pack(
      {
        kernel: parts.kernel,
        initramfs: given(work),
        commandLine: "quiet",
        output: join(work, "again"),
      },
      context(work),
    );
    expect(readFileSync(again.output).equals(readFileSync(output))).toBe(true);
    const bytes = readFileSync(output);
    bytes[record.initramfs.offset + 200]! ^= 1;
    writeFileSync(output, bytes);
    const refused = unpack({ file: output, initramfs: parts.initramfs }, context(work));
    await expect(refused).rejects.toMatchObject({ code: "DIGEST_MISMATCH" });
  },
);

test("file(1) has the packed bzImage's release, and it is no EFI application any more", async () => {
  const work = temporaryDirectory();
  const { output } = await packed(work, { kernel: kernels.bzImage });
  const about = (path: string, words: readonly string[] = []) =>
    execFileSync("file", ["-bL", ...words, path], { encoding: "utf8" });
  expect(about(output)).toContain("Linux kernel x86 boot executable bzImage, version 6.");
  expect(about(kernels.bzImage, ["-k"])).toContain("EFI application");
  expect(about(output, ["-k"])).not.toContain("EFI application");
  writeFileSync(output, readFileSync(output).fill(0, 0x202, 0x206)); // "HdrS"
  expect(about(output)).not.toContain("bzImage");
});
