import { execFileSync, spawn } from "node:child_process";
import {
  appendFileSync,
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { beforeAll, expect, test } from "vitest";
import { AT_ONCE_MS } from "../support/at-once.ts";
import { testKernel } from "../support/kernel-packages.ts";
import { ordinaryUser } from "../support/ordinary-user.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { compileTestInit, writeTestInitrd } from "../support/test-guest.ts";
import type { Kernel } from "../../src/kernel/index.ts";
import { classifyConsole, type Machine, type MachineSpec, qemu } from "../../src/vmm/index.ts";

let kernel: Kernel;
let init: Uint8Array;

beforeAll(async () => {
  kernel = await testKernel();
  init = compileTestInit();
});

/** A machine whose first process does `what`, in a new private directory. */
function specFor(what: string, changes: Partial<MachineSpec> = {}): MachineSpec {
  const directory = temporaryDirectory();
  return {
    arch: "x86_64",
    kernel: kernel.path,
    initrd: writeTestInitrd(join(directory, "initrd"), init, kernel.modules),
    commandLine: `console=ttyS0 panic=-1 reboot=t loglevel=5 do=${what}`,
    memoryMiB: 128,
    cpus: 1,
    drives: [],
    ports: [],
    network: "none",
    relay: false,
    accel: "tcg",
    directory,
    ...changes,
  };
}

async function consoleOf(machine: Machine): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of machine.console) chunks.push(chunk);
  return Buffer.concat(chunks).toString("latin1").replaceAll("\r", "");
}

/** Waits until the guest has printed `word`; what was printed so far. */
async function untilPrinted(machine: Machine, word: string): Promise<string> {
  let text = "";
  for await (const chunk of machine.console) {
    text += Buffer.from(chunk).toString("latin1");
    if (text.includes(word)) return text;
  }
  throw new Error(`the guest never printed ${word}:\n${text}`);
}

const runner = fileURLToPath(new URL("../support/run-machine.mjs", import.meta.url));

/** The same driver in a process of an ordinary user, who owns only the machine's files. */
function runAsNobody(spec: MachineSpec): string {
  const user = ordinaryUser();
  const [setpriv, ...words] = user.prefix;
  const command = [...words, process.execPath, user.runner, JSON.stringify(spec)];
  const own = [spec.directory, spec.kernel, spec.initrd!, ...spec.drives.map(({ path }) => path)];
  for (const path of own) chownSync(path, 65534, 65534);
  try {
    return execFileSync(setpriv!, command, { env: { PATH: process.env["PATH"] } }).toString();
  } finally {
    user.remove();
  }
}

test("QEMU boots the distribution's kernel, loads its modules and sees it power off", async () => {
  const machine = await qemu().start(specFor("nothing"));
  const text = await consoleOf(machine);
  expect(text).toContain("INIT pid 1 uid 0\n");
  expect(text).not.toContain("MODULE");
  const words = "QEMU ended with status 0";
  expect(await machine.exited).toEqual({ code: 0, signal: null, words, stderrTail: [] });
});

test("drives keep their order, names with commas are only names, read-only ones stay as they are", async () => {
  const spec = specFor("drives");
  const image = join(spec.directory, "a,readonly=off b=c.img");
  const scratch = join(spec.directory, "scratch.img");
  writeFileSync(image, Buffer.alloc(1 << 20, "A"));
  writeFileSync(scratch, Buffer.alloc(1 << 20, "B"));
  const drives = [
    { path: image, readOnly: true },
    { path: scratch, readOnly: false },
  ];
  const text = await consoleOf(await qemu().start({ ...spec, drives }));
  expect(text).toContain("DRIVE a AAAAAAAA Operation not permitted\n");
  expect(text).toContain("DRIVE b BBBBBBBB written\n");
  expect(readFileSync(image).equals(Buffer.alloc(1 << 20, "A"))).toBe(true);
  expect(readFileSync(scratch).subarray(0, 10).toString()).toBe("scribbleBB");
});

/** A qcow2 image (version 2) of 64 KiB, all of it read from another file: docs/interop/qcow2.txt. */
function qcow2OnTopOf(backing: string): Buffer {
  const header = Buffer.alloc(4 << 16);
  header.write("QFI\xfb", 0, "latin1");
  header.writeUInt32BE(2, 4); // version
  header.writeBigUInt64BE(0x200n, 8); // backing_file_offset
  header.writeUInt32BE(backing.length, 16); // backing_file_size
  header.writeUInt32BE(16, 20); // cluster_bits
  header.writeBigUInt64BE(1n << 16n, 24); // size
  header.writeUInt32BE(1, 36); // l1_size
  header.writeBigUInt64BE(1n << 16n, 40); // l1_table_offset
  header.writeBigUInt64BE(2n << 16n, 48); // refcount_table_offset
  header.writeUInt32BE(1, 56); // refcount_table_clusters
  header.write(backing, 0x200);
  return header;
}

test("a raw drive that holds a qcow2 header naming a host file stays raw", async () => {
  const spec = specFor("drives");
  const drive = join(spec.directory, "disk.img");
  const secret = join(spec.directory, "secret");
  writeFileSync(secret, "SECRETSECRET".padEnd(1 << 16));
  writeFileSync(join(spec.directory, "overlay.img"), Buffer.alloc(1 << 20));
  writeFileSync(drive, qcow2OnTopOf(secret));
  const drives = [
    { path: drive, readOnly: false },
    { path: join(spec.directory, "overlay.img"), readOnly: false },
  ];
  const text = await consoleOf(await qemu().start({ ...spec, drives }));
  expect(text).toContain("DRIVE a QFI");
  expect(text).not.toContain("SECRET");
});

test("what is typed at the console reaches the guest as bytes, the monitor's escape included", async () => {
  const machine = await qemu().start(specFor("console"));
  await untilPrinted(machine, "TYPE");
  machine.writeConsole(Buffer.from('\x01cmigrate "exec:id"\r'));
  machine.writeConsole(Buffer.from("q"));
  const keys = [...(await consoleOf(machine)).matchAll(/KEY (..)/g)].map(([, hex]) => hex);
  expect(Buffer.from(keys.join(""), "hex").toString()).toBe('\x01cmigrate "exec:id"\r');
  await machine.exited;
});

test("the channel is there from the guest's first byte, under its name, both ways", async () => {
  const machine = await qemu().start(specFor("channel"));
  let received = "";
  machine.channel.on("data", (chunk: Buffer) => (received += chunk.toString()));
  machine.channel.write("there and back q");
  expect(await consoleOf(machine)).toContain("PORT wick.0\n");
  await machine.exited;
  expect(received).toBe("hello from the guest\nthere and back ");
});

test("the end of the first process is told from the console: QEMU itself exits 0", async () => {
  const machine = await qemu().start(specFor("exit"));
  const text = await consoleOf(machine);
  expect((await machine.exited).code).toBe(0);
  const error = classifyConsole(text.split("\n"));
  expect(error?.code).toBe("GUEST_PANIC");
  expect(error?.message).toContain("ended with status 7");
});

test("a damaged initramfs is told from the console, although its first process ran", async () => {
  const spec = specFor("nothing");
  appendFileSync(spec.initrd!, "garbage behind the archive");
  const text = await consoleOf(await qemu().start(spec));
  expect(text).toContain("INIT");
  const error = classifyConsole(text.split("\n"));
  expect(error?.message).toContain("could not unpack its initramfs");
});

test("a guest that prints much more than anybody reads neither stalls nor fills our memory", async () => {
  const machine = await qemu().start(specFor("flood"));
  expect(await machine.exited).toMatchObject({ code: 0 });
  const text = await consoleOf(machine);
  expect(text.length).toBeGreaterThan(200_000);
  expect(text.length).toBeLessThanOrEqual(1 << 18);
});

test("the line to boot by hand boots the same files", async () => {
  const spec = specFor("drives");
  const image = join(spec.directory, "image, with comma.img");
  writeFileSync(image, Buffer.alloc(1 << 20, "A"));
  const drives = [
    { path: image, readOnly: true },
    { path: image, readOnly: true },
  ];
  const [program, ...args] = qemu().commandByHand({ ...spec, drives });
  const text = execFileSync(program!, args, { stdio: ["ignore", "pipe", "pipe"] }).toString();
  expect(text).toContain("DRIVE a AAAAAAAA Operation not permitted");
  expect(text).toContain("DRIVE b AAAAAAAA");
});

test("kill() ends a guest that never ends, and a second one is content", async () => {
  const machine = await qemu().start(specFor("wait"));
  await untilPrinted(machine, "INIT");
  expect(await machine.kill()).toMatchObject({ code: 0 });
  expect(await machine.kill()).toMatchObject({ code: 0 });
});

test("kill() ends a QEMU that is stopped and answers nothing", async () => {
  const machine = await qemu().start(specFor("wait"));
  process.kill(machine.pid, "SIGSTOP");
  const start = performance.now();
  expect(await machine.kill()).toMatchObject({ signal: "SIGKILL" });
  expect(performance.now() - start).toBeLessThan(20_000); // it would be for ever
});

test("when wick is killed outright, QEMU is gone at once", async () => {
  const spec = specFor("wait");
  const owner = spawn(process.execPath, [runner, JSON.stringify(spec)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let text = "";
  for await (const chunk of owner.stdout) {
    text += String(chunk);
    if (text.includes("INIT")) break;
  }
  const pid = Number(/^pid (\d+)$/m.exec(text)![1]);
  expect(readFileSync(`/proc/${pid}/cmdline`, "latin1")).toContain("qemu-system-x86_64");
  owner.kill("SIGKILL");
  const start = performance.now();
  while (existsSync(`/proc/${pid}/exe`) && performance.now() - start < AT_ONCE_MS) await sleep(20);
  expect(performance.now() - start).toBeLessThan(AT_ONCE_MS);
});

test("an ordinary user boots the same machine", async () => {
  const spec = specFor("drives");
  // Root's own files are closed to others: the other user gets copies of its own.
  const theirs = temporaryDirectory();
  chmodSync(theirs, 0o755);
  const path = (name: string): string => join(theirs, name);
  copyFileSync(spec.kernel, path("kernel"));
  copyFileSync(spec.initrd!, path("initrd"));
  writeFileSync(path("disk.img"), Buffer.alloc(1 << 20, "A"));
  mkdirSync(path("machine"), { mode: 0o700 });
  const machine: MachineSpec = {
    ...spec,
    kernel: path("kernel"),
    initrd: path("initrd"),
    drives: [0, 1].map(() => ({ path: path("disk.img"), readOnly: true })),
    directory: path("machine"),
  };
  const result = runAsNobody(machine);
  expect(result).toContain("DRIVE a AAAAAAAA Operation not permitted");
  expect(result).toContain('exit {"code":0,"signal":null,"words":"QEMU ended with status 0"');
});
