/**
 * One machine for init's boot tests: QEMU (TCG) with the channel as a socket that a test
 * connects to when it likes, or never. What wick itself starts is always connected to.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { existsSync } from "node:fs";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach } from "vitest";
import {
  FrameReader,
  decodeReport,
  encodeCommand,
  isFinal,
  type Command,
  type FinalReport,
  type InitRecords,
  type Report,
} from "../../src/guest/index.ts";
import { initramfs, type BootParts } from "./boot-parts.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

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
  /** A port for the relay, to which nobody ever connects. */
  readonly relay?: boolean;
  /** Behind what every machine has: console, panic, quiet. */
  readonly commandLine?: string;
  /** The whole command line instead; empty: the VMM gives none. */
  readonly wholeLine?: string;
  readonly memoryMiB?: number;
  /** aarch64: with the level at which KVM works. */
  readonly virtualization?: boolean;
}

const consoleOf = { x86_64: "ttyS0", aarch64: "ttyAMA0" } as const;

const channelPath = ({ work }: BootSpec): string => join(work, "c");

function qemu(boot: BootParts, spec: BootSpec): [string, string[]] {
  const virt = spec.virtualization === true ? "virt,virtualization=on,gic-version=3" : "virt";
  const cpu = {
    x86_64: ["-M", "q35", "-cpu", "max"],
    aarch64: ["-M", virt, "-cpu", "cortex-a57"],
  };
  const words = [...cpu[boot.arch], "-accel", "tcg", "-m", String(spec.memoryMiB ?? 256)];
  words.push("-nodefaults", "-no-user-config", "-display", "none", "-no-reboot");
  words.push("-kernel", boot.kernel, "-chardev", "stdio,id=s,signal=off", "-serial", "chardev:s");
  const usual = `console=${consoleOf[boot.arch]} panic=-1 quiet ${spec.commandLine ?? ""}`;
  const line = spec.wholeLine ?? usual;
  if (line !== "") words.push("-append", line);
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
    words.push("-chardev", `socket,id=c,path=${channelPath(spec)},server=on,wait=off`);
    words.push("-device", "virtserialport,chardev=c,name=wick.0");
    if (spec.relay === true) {
      words.push("-chardev", `socket,id=r,path=${join(spec.work, "r")},server=on,wait=off`);
      words.push("-device", "virtserialport,chardev=r,name=wick.1");
    }
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

  readonly #channel: string;

  constructor(boot: BootParts, spec: BootSpec) {
    const [command, words] = qemu(boot, spec);
    this.#channel = channelPath(spec);
    this.#process = spawn(command, words, { stdio: ["ignore", "pipe", "pipe"] });
    const collect = (chunk: Buffer): void => {
      this.console += chunk.toString("latin1");
    };
    this.#process.stdout!.on("data", collect);
    this.#process.stderr!.on("data", collect);
    this.#ended = new Promise((resolve) => this.#process.on("close", resolve));
  }

  /** Whether what the console says is taken from QEMU. */
  reads(yes: boolean): void {
    if (yes) this.#process.stdout!.resume();
    else this.#process.stdout!.pause();
  }

  /** Connects to the channel: the machine has a host from now on. */
  async connect(): Promise<void> {
    while (!existsSync(this.#channel)) {
      if (this.#process.exitCode !== null) throw new Error(this.console);
      await sleep(5);
    }
    // The file is there a moment before QEMU listens on it.
    const socket = await this.#dial();
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

  async #dial(): Promise<Socket> {
    for (;;) {
      const socket = connect(this.#channel);
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
  const machine = new BootedMachine(boot, spec);
  running.add(machine);
  if (spec.channel !== false && spec.channel !== "later") await machine.connect();
  return machine;
}

/** Starts a machine whose root is an archive in its initramfs. */
export function startInitramfs(
  boot: BootParts,
  root: Buffer,
  records: InitRecords,
  spec: Partial<BootSpec> = {},
): Promise<BootedMachine> {
  const work = temporaryDirectory();
  const initrd = initramfs(boot, work, root, records);
  return startMachine(boot, { work, initrd, ...spec });
}

/** A free TCP port of the loopback address. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
