/**
 * Boots init on QEMU (TCG) with the distribution's kernel and other people's tools: the cpio
 * program, mke2fs, busybox. What is downloaded stays in build/ for the next run.
 */
import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterEach } from "vitest";
import {
  FrameReader,
  decodeReport,
  encodeCommand,
  encodeRecords,
  initBinary,
  isFinal,
  type Command,
  type FinalReport,
  type GuestArch,
  type InitRecords,
  type Report,
} from "../../src/guest/index.ts";

import { findKernel, type Kernel } from "../../src/kernel/index.ts";
import { aptPackages, testKernel } from "./kernel-packages.ts";

const repository = fileURLToPath(new URL("../..", import.meta.url));
const parts = join(repository, "build", "boot-parts");

const ownArch: GuestArch = process.arch === "arm64" ? "aarch64" : "x86_64";

const debianArch = { x86_64: "amd64", aarch64: "arm64" } as const;

function run(command: string, words: readonly string[], cwd?: string): string {
  const where = cwd === undefined ? {} : { cwd };
  return execFileSync(command, words, { ...where, encoding: "utf8", maxBuffer: 1 << 26 });
}

/** apt's options for packages of another architecture, in state of our own. */
function foreignApt(arch: GuestArch, state: string): string[] {
  mkdirSync(join(state, "lists/partial"), { recursive: true });
  writeFileSync(join(state, "status"), "");
  const options = [
    `APT::Architecture=${debianArch[arch]}`,
    `APT::Architectures::=${debianArch[arch]}`,
    `Dir::State::Lists=${state}/lists`,
    `Dir::State::Status=${state}/status`,
    `Dir::Cache=${state}`,
  ].flatMap((option) => ["-o", option]);
  run("apt-get", [...options, "-qq", "update"]);
  return options;
}

/** The unpacked package, from the archive that this machine's apt knows. */
function packageTree(arch: GuestArch, name: string): string {
  const target = join(parts, arch, name);
  if (existsSync(target)) return target;
  const work = `${target}.${process.pid}.part`;
  mkdirSync(work, { recursive: true });
  try {
    const apt = arch === ownArch ? [] : foreignApt(arch, join(work, "apt"));
    let wanted = name;
    if (name.startsWith("linux-image")) {
      const depends = run("apt-cache", [...apt, "depends", name]);
      wanted = /Depends: (linux-image\S+)/u.exec(depends)?.[1] ?? name;
    }
    run("apt-get", [...apt, "download", wanted], work);
    const file = readdirSync(work).find((entry) => entry.endsWith(".deb"))!;
    run("dpkg-deb", ["-x", join(work, file), join(work, "tree")]);
    if (!existsSync(target)) renameSync(join(work, "tree"), target);
    return target;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Writes a cpio of `directory` with everything owned by root; `cpio` pads it to 512 bytes. */
function cpio(directory: string): Buffer {
  const names = run("find", [".", "-mindepth", "1"], directory).split("\n").filter(Boolean).sort();
  return execFileSync("cpio", ["-o", "-H", "newc", "--quiet", "-R", "0:0"], {
    cwd: directory,
    input: names.join("\n"),
    maxBuffer: 1 << 28,
  });
}

/** The kernel as wick finds it; another architecture's comes from a package that we unpacked. */
function kernelOf(arch: GuestArch): Promise<Kernel> {
  if (arch === ownArch) return testKernel(arch);
  const tree = packageTree(arch, `linux-image-cloud-${debianArch[arch]}`);
  const name = readdirSync(join(tree, "boot")).find((entry) => entry.startsWith("vmlinu"))!;
  const releases = join(tree, "lib", "modules");
  return findKernel({
    arch,
    kernelFile: join(tree, "boot", name),
    modulesDirectory: join(releases, readdirSync(releases)[0]!),
    cacheDirectory: join(parts, "unused"),
    packages: aptPackages,
  });
}

/** Kernel, and the base initramfs with init and its modules. */
export interface BootParts {
  readonly arch: GuestArch;
  readonly kernel: string;
  readonly base: Buffer;
  readonly busybox: string;
}

/** What every boot test needs; made once for a test file. */
export async function bootParts(work: string, arch: GuestArch = "x86_64"): Promise<BootParts> {
  run(process.execPath, [join(repository, "scripts", "build-init.mjs")]);
  const busybox = join(packageTree(arch, "busybox-static"), "bin", "busybox");
  const kernel = await kernelOf(arch);
  const stage = join(work, "base");
  for (const name of ["dev", "proc", "sys", ".wick/modules"]) {
    mkdirSync(join(stage, name), { recursive: true });
  }
  copyFileSync(fileURLToPath(initBinary(arch)), join(stage, "init"));
  for (const { name, bytes } of kernel.modules) {
    writeFileSync(join(stage, ".wick/modules", `${name}.ko`), bytes);
  }
  const modules = kernel.modules.map(({ name }) => `/.wick/modules/${name}.ko`);
  writeFileSync(join(stage, ".wick/boot.rec"), encodeRecords({ modules }));
  return { arch, kernel: kernel.path, base: cpio(stage), busybox };
}

const applets =
  "awk cat cut df grep head httpd id ifconfig kill ls mount readlink sh sleep stat tail tr wc";

/** A root with busybox under its usual names, init and its records. */
export function busyboxRoot(
  boot: BootParts,
  directory: string,
  records: InitRecords,
  files: Readonly<Record<string, string | Uint8Array>> = {},
): void {
  for (const name of ["bin", "sbin", "etc", "dev", "proc", "sys", "run", "tmp", ".wick"]) {
    mkdirSync(join(directory, name), { recursive: true });
  }
  copyFileSync(boot.busybox, join(directory, "bin/busybox"));
  for (const name of applets.split(" ")) {
    symlinkSync("busybox", join(directory, "bin", name));
  }
  copyFileSync(fileURLToPath(initBinary(boot.arch)), join(directory, "sbin/init"));
  writeFileSync(join(directory, ".wick/init.rec"), encodeRecords(records), { mode: 0o600 });
  for (const [name, bytes] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, name)), { recursive: true });
    writeFileSync(join(directory, name), bytes, { mode: 0o755 });
  }
}

/** The initrd of an initramfs machine: base, root, run.rec. */
export function initramfs(boot: BootParts, work: string, root: Buffer, run: InitRecords): string {
  const path = join(work, "initrd");
  writeFileSync(path, Buffer.concat([boot.base, root, runArchive(work, run)]));
  return path;
}

/** A busybox root as an archive. */
export function rootArchive(
  boot: BootParts,
  work: string,
  records: InitRecords,
  files?: Readonly<Record<string, string | Uint8Array>>,
): Buffer {
  const directory = join(work, "root");
  busyboxRoot(boot, directory, records, files);
  return cpio(directory);
}

/** The archive that travels beside the image: one run's records. */
export function runArchive(work: string, run: InitRecords | Uint8Array): Buffer {
  const directory = join(work, "run");
  mkdirSync(join(directory, ".wick"), { recursive: true });
  const bytes = run instanceof Uint8Array ? run : encodeRecords(run);
  writeFileSync(join(directory, ".wick/run.rec"), bytes, { mode: 0o600 });
  return cpio(directory);
}

/** An ext4 file system of `directory` (or empty) with the UUID `uuid`. */
export function ext4(path: string, uuid: string, size: string, directory?: string): string {
  const from = directory === undefined ? [] : ["-d", directory, "-E", "root_owner=0:0"];
  run("mke2fs", ["-q", "-t", "ext4", "-U", uuid, ...from, path, size]);
  return path;
}

/** How to start a machine for one test. */
export interface BootSpec {
  readonly work: string;
  readonly initrd?: string;
  readonly drives?: readonly { readonly path: string; readonly readOnly?: boolean }[];
  /** Guest port published on a free port of the loopback address. */
  readonly port?: { readonly host: number; readonly guest: number };
  readonly network?: boolean;
  /** `later`: the port is there, the test connects by itself. */
  readonly channel?: boolean | "later";
  readonly commandLine?: string;
  readonly memoryMiB?: number;
}

const consoleOf = { x86_64: "ttyS0", aarch64: "ttyAMA0" } as const;

function qemu(boot: BootParts, spec: BootSpec): [string, string[]] {
  const cpu = {
    x86_64: ["-M", "q35", "-cpu", "max"],
    aarch64: ["-M", "virt", "-cpu", "cortex-a57"],
  };
  const words = [...cpu[boot.arch], "-accel", "tcg", "-m", String(spec.memoryMiB ?? 256)];
  words.push("-nodefaults", "-no-user-config", "-display", "none", "-no-reboot");
  words.push("-kernel", boot.kernel, "-chardev", "stdio,id=s,signal=off", "-serial", "chardev:s");
  words.push("-append", `console=${consoleOf[boot.arch]} panic=-1 quiet ${spec.commandLine ?? ""}`);
  if (spec.initrd !== undefined) words.push("-initrd", spec.initrd);
  for (const [i, drive] of (spec.drives ?? []).entries()) {
    const readOnly = drive.readOnly === true ? ",readonly=on" : "";
    words.push("-drive", `id=d${i},file=${drive.path},format=raw,if=none${readOnly}`);
    words.push("-device", `virtio-blk-pci,drive=d${i}`);
  }
  if (spec.network === true || spec.port !== undefined) {
    const forward = spec.port && `,hostfwd=tcp:127.0.0.1:${spec.port.host}-:${spec.port.guest}`;
    words.push(
      "-netdev",
      `user,id=n${forward ?? ""}`,
      "-device",
      "virtio-net-pci,netdev=n,romfile=",
    );
  }
  if (spec.channel !== false) {
    words.push("-device", "virtio-serial-pci");
    words.push("-chardev", `socket,id=c,path=${join(spec.work, "c")},server=on,wait=off`);
    words.push("-device", "virtserialport,chardev=c,name=wick.0");
  }
  return [`qemu-system-${boot.arch}`, words];
}

/** One machine, its reports as they come. */
export class BootedMachine {
  readonly reports: Report[] = [];
  console = "";
  /** Whether final reports are acknowledged. */
  acknowledges = true;
  readonly started = performance.now();
  readonly #process: ChildProcess;
  readonly #ended: Promise<number | null>;
  #socket: Socket | undefined;
  #protocolError: Error | undefined;

  constructor(command: string, words: readonly string[]) {
    this.#process = spawn(command, words, { stdio: ["ignore", "pipe", "pipe"] });
    const collect = (chunk: Buffer): void => {
      this.console += chunk.toString("latin1");
    };
    this.#process.stdout!.on("data", collect);
    this.#process.stderr!.on("data", collect);
    this.#ended = new Promise((resolve) => this.#process.on("close", resolve));
  }

  async connect(path: string): Promise<void> {
    while (!existsSync(path)) {
      if (this.#process.exitCode !== null) throw new Error(this.console);
      await sleep(5);
    }
    // The file is there a moment before QEMU listens on it.
    const socket = await this.#dial(path);
    const reader = new FrameReader();
    socket.on("error", () => undefined);
    socket.on("data", (chunk) => {
      try {
        for (const frame of reader.push(chunk)) this.#take(decodeReport(frame));
      } catch (error) {
        this.#protocolError = error as Error;
        socket.destroy();
      }
    });
    this.#socket = socket;
    this.send({ kind: "hello" });
  }

  async #dial(path: string): Promise<Socket> {
    for (;;) {
      const socket = connect(path);
      const refused = await new Promise((resolve) => {
        socket.once("connect", () => resolve(undefined));
        socket.once("error", resolve);
      });
      if (refused === undefined) return socket;
      if (this.#process.exitCode !== null) throw new Error(this.console);
      await sleep(5);
    }
  }

  #take(report: Report): void {
    this.reports.push(report);
    if (isFinal(report) && this.acknowledges) this.send({ kind: "ack", report: report.kind });
  }

  send(command: Command): void {
    this.#socket?.write(encodeCommand(command));
  }

  sendBytes(bytes: Uint8Array): void {
    this.#socket?.write(bytes);
  }

  /** Waits for a report of this kind. */
  async until<K extends Report["kind"]>(
    kind: K,
    ms = 40_000,
  ): Promise<Extract<Report, { kind: K }>> {
    return this.poll(() => this.reports.find((report) => report.kind === kind), kind, ms) as never;
  }

  async untilConsole(text: string, ms = 40_000): Promise<void> {
    await this.poll(() => this.console.includes(text) || undefined, text, ms);
  }

  async poll<T>(look: () => T | undefined, what: string, ms: number): Promise<T> {
    for (const end = performance.now() + ms; performance.now() < end; await sleep(10)) {
      const seen = look();
      if (seen !== undefined) return seen;
      if (this.#process.exitCode !== null) break;
    }
    const seen = look();
    if (seen !== undefined) return seen;
    throw new Error(`no ${what}; reports: ${JSON.stringify(this.reports)}\n${this.console}`);
  }

  /** Waits for the machine's own end; its final report, the console, the VMM's exit code. */
  async end(ms = 60_000): Promise<{
    final: FinalReport | undefined;
    reports: readonly Report[];
    console: string;
    code: number | null;
    wallMs: number;
  }> {
    const late = sleep(ms, "late", { ref: false });
    const code = await Promise.race([this.#ended, late]);
    const wallMs = performance.now() - this.started;
    if (code === "late") {
      await this.kill();
      throw new Error(`the machine did not end; ${JSON.stringify(this.reports)}\n${this.console}`);
    }
    if (this.#protocolError !== undefined) throw this.#protocolError;
    const { reports, console } = this;
    return { final: reports.find(isFinal), reports, console, code: code as number | null, wallMs };
  }

  async kill(): Promise<void> {
    this.#socket?.destroy();
    this.#process.kill("SIGKILL");
    await this.#ended;
  }
}

const running = new Set<BootedMachine>();

// A hook of the test file that imports this: it runs before the leak check.
afterEach(async () => {
  for (const machine of running) await machine.kill();
  running.clear();
});

/** Starts a machine; the caller awaits `end()` or `kill()`. */
export async function startMachine(boot: BootParts, spec: BootSpec): Promise<BootedMachine> {
  const machine = new BootedMachine(...qemu(boot, spec));
  running.add(machine);
  if (spec.channel !== false && spec.channel !== "later")
    await machine.connect(join(spec.work, "c"));
  return machine;
}

/** A free TCP port of the loopback address. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
