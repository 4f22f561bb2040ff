import { once } from "node:events";
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer, type AddressInfo, type Server } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { temporaryDirectory } from "../../../test/support/temporary-directory.ts";
import { isWickError, type WickError } from "../../errors/index.ts";
import { setFaults } from "../../host/index.ts";
import type { Machine, MachineSpec, PortForward } from "../vmm.ts";
import { qemu } from "./index.ts";

let directory: string;
let spec: MachineSpec;

beforeEach(() => {
  directory = temporaryDirectory();
  // A boot sector that halts (cli; hlt) behind a bzImage's signature: QEMU loads it, no more.
  writeFileSync(join(directory, "kernel"), haltingKernel());
  spec = {
    arch: "x86_64",
    kernel: join(directory, "kernel"),
    commandLine: "",
    memoryMiB: 64,
    cpus: 1,
    drives: [],
    ports: [],
    network: "user",
    relay: false,
    accel: "tcg",
    directory,
  };
});

afterEach(() => setFaults([]));

/** A kernel file as Documentation/arch/x86/boot.rst has it, whose code is one endless loop. */
function haltingKernel(): Buffer {
  const file = Buffer.alloc(4096);
  file[0x1f1] = 1; // setup_sects
  file.writeUInt16LE(0xaa55, 0x1fe); // boot_flag
  file.writeUInt16LE(0xfeeb, 0x200); // jump: to itself
  file.write("HdrS", 0x202);
  file.writeUInt16LE(0x0204, 0x206); // version
  file[0x211] = 1; // loadflags: loaded high
  return file;
}

async function failure(promise: Promise<Machine>): Promise<WickError> {
  const error: unknown = await promise.then(
    async (machine) => {
      await machine.kill();
      return new Error("it started");
    },
    (reason: unknown) => reason,
  );
  if (!isWickError(error)) throw error;
  return error;
}

/** What lies in the machine's directory beside the kernel. */
const leftIn = (path: string): string[] =>
  readdirSync(path).filter((name) => name !== "kernel" && !name.startsWith("stub"));

function tcpPort(hostPort: number, hostAddress = "127.0.0.1"): PortForward {
  return { protocol: "tcp", hostAddress, hostPort, guestPort: 80 };
}

async function listen(): Promise<{ server: Server; port: number }> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { server, port: (server.address() as AddressInfo).port };
}

/** An executable script in the machine's directory, in QEMU's place. */
function stub(script: string): string {
  const path = join(directory, "stub");
  writeFileSync(path, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return path;
}

test("V9 a busy port is PORT_BUSY before QEMU starts, and nothing is left", async () => {
  const { server, port } = await listen();
  setFaults([{ call: "spawn", pathPrefix: "", nth: 1, errno: "EIO" }]);
  const error = await failure(qemu().start({ ...spec, ports: [tcpPort(port)] }));
  expect(error.code).toBe("PORT_BUSY");
  expect(error.message).toContain(`127.0.0.1:${port}/tcp`);
  expect(leftIn(directory)).toEqual([]);
  await new Promise((resolve) => server.close(resolve));
});

test("V9 a port taken between the check and QEMU's own bind is PORT_BUSY, with QEMU's words", async () => {
  const asked = [tcpPort(0), tcpPort(0)];
  const free = await listen();
  await new Promise((resolve) => free.server.close(resolve));
  const twice = asked.map((port) => ({ ...port, hostPort: free.port }));
  const error = await failure(qemu().start({ ...spec, ports: twice }));
  expect(error.code).toBe("PORT_BUSY");
  expect(error.detail.join("\n")).toContain("Could not set up host forwarding rule");
  expect(leftIn(directory)).toEqual([]);
});

test.each([
  ["IN_USE", "Device or resource busy", "another program is attached to the TAP"],
  ["PERMISSION", "Operation not permitted", "this user may not attach to the TAP"],
])("%s: a TAP that QEMU cannot have for %j", async (code, said, words) => {
  const line = `qemu-system-x86_64: -netdev tap,id=net0: could not configure /dev/net/tun (tap0): ${said}`;
  const program = stub(`echo '${line}' >&2; exit 1`);
  const error = await failure(qemu({ program }).start(spec));
  expect(error.code).toBe(code);
  expect(error.message).toContain(words);
  expect(error.detail).toEqual([line]);
});

test("V9 port 0 reports its number, and listens on the loopback address alone", async () => {
  const machine = await qemu().start({ ...spec, ports: [tcpPort(0)] });
  try {
    const { hostPort } = machine.ports[0]!;
    expect(hostPort).toBeGreaterThan(0);
    const hex = hostPort.toString(16).toUpperCase().padStart(4, "0");
    const listening = ["tcp", "tcp6"].flatMap((file) =>
      readFileSync(`/proc/net/${file}`, "latin1")
        .split("\n")
        .map((line) => line.trim().split(/\s+/))
        .filter(([, local, , state]) => state === "0A" && local?.endsWith(`:${hex}`) === true)
        .map(([, local]) => local),
    );
    expect(listening).toEqual([`0100007F:${hex}`]);
  } finally {
    await machine.kill();
  }
});

test("V16 QEMU holds only descriptors that it was given, under a limit of 4096", async () => {
  const machine = await qemu().start(spec);
  try {
    const fds = readdirSync(`/proc/${machine.pid}/fd`).map((fd) =>
      readlinkSync(`/proc/${machine.pid}/fd/${fd}`),
    );
    expect(readlinkSync(`/proc/${machine.pid}/fd/0`)).toBe("/dev/null");
    const allowed = /^(socket:|anon_inode:|pipe:|\/dev\/null$|\/dev\/zero|\/memfd:)/;
    expect(fds.filter((target) => !allowed.test(target))).toEqual([]);
    const limits = readFileSync(`/proc/${machine.pid}/limits`, "latin1");
    expect(/^Max open files\s+(\d+)\s+(\d+)/m.exec(limits)?.slice(1)).toEqual(["4096", "4096"]);
    const environment = readFileSync(`/proc/${machine.pid}/environ`, "latin1");
    expect(environment).not.toContain("VITEST");
  } finally {
    await machine.kill();
  }
});

test("QEMU runs in a process group and session of its own", async () => {
  const machine = await qemu().start(spec);
  const stat = readFileSync(`/proc/${machine.pid}/stat`, "latin1");
  const [, , group, session] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  expect([group, session]).toEqual([String(machine.pid), String(machine.pid)]);
  await machine.kill();
});

test("V6 once connected, no socket file is left that a stranger could connect to", async () => {
  const machine = await qemu().start(spec);
  expect(leftIn(directory)).toEqual([]);
  await machine.kill();
});

test("QEMU connects the relay's stream too where the machine has one, and it ends with it", async () => {
  const machine = await qemu().start({ ...spec, relay: true });
  const relay = machine.relay!;
  expect(relay.writable).toBe(true);
  const ended = once(relay.resume(), "close");
  await machine.kill();
  await ended;
  expect(
    (
      await qemu()
        .start(spec)
        .then((plain) => plain.kill().then(() => plain))
    ).relay,
  ).toBe(undefined);
});

test("sockets are closed to others whatever the umask", async () => {
  const umask = process.umask(0);
  try {
    // The stub looks at the sockets in QEMU's place, and fails.
    const program = stub(`stat -c '%a %n' ${directory}/*.sock; exit 3`);
    const error = await failure(qemu({ program }).start(spec));
    expect(error.detail.map((line) => line.split(" ")[0])).toEqual(["600", "600", "600"]);
  } finally {
    process.umask(umask);
  }
});

test("a directory that others can enter, or a link to one, is refused", async () => {
  chmodSync(directory, 0o755);
  expect((await failure(qemu().start(spec))).message).toContain("its mode is 0755");
  chmodSync(directory, 0o700);
  symlinkSync(directory, join(directory, "link"));
  const error = await failure(qemu().start({ ...spec, directory: join(directory, "link") }));
  expect(error.code).toBe("PERMISSION");
  expect(error.message).toContain("a symbolic link");
});

test("V7 a directory too long for socket paths starts all the same, and cleans up", async () => {
  const long = join(directory, "l".repeat(100));
  mkdirSync(long, { mode: 0o700 });
  const machine = await qemu().start({ ...spec, directory: long });
  await machine.kill();
  expect(leftIn(long)).toEqual([]);
});

test.each([
  ["qmp", 1],
  ["console", 2],
  ["channel", 3],
])(
  "V13 a failure to listen for %s is the error, and takes back what came before",
  async (_, nth) => {
    setFaults([{ call: "listen", pathPrefix: directory, nth, errno: "EMFILE" }]);
    const error = await failure(qemu().start(spec));
    expect(error.message).toContain("too many open files");
    expect(leftIn(directory)).toEqual([]);
  },
);

test("V13 a failure to spawn is the error, and takes the sockets back", async () => {
  setFaults([{ call: "spawn", pathPrefix: "", nth: 1, errno: "EMFILE" }]);
  expect((await failure(qemu().start(spec))).message).toContain("too many open files");
  expect(leftIn(directory)).toEqual([]);
});

test("a program that is no program is one error", async () => {
  const error = await failure(qemu({ program: join(directory, "none") }).start(spec));
  expect(error.code).toBe("VMM_FAILED");
  expect(error.detail.join()).toMatch(/not found|No such file/);
});

test("V13 a VMM that ends at once is VMM_FAILED with its status and last words", async () => {
  const program = stub("echo one >&2; printf 'two \\033[31m\\n' >&2; exit 42");
  const error = await failure(qemu({ program }).start(spec));
  expect(error.code).toBe("VMM_FAILED");
  expect(error.message).toContain("status 42");
  expect(error.detail).toEqual(["one", "two \\x1b[31m"]);
});

test("V13 a file that is no kernel is KERNEL_INVALID with QEMU's words", async () => {
  writeFileSync(spec.kernel, "no kernel at all, only text");
  const error = await failure(qemu().start(spec));
  expect(error.code).toBe("KERNEL_INVALID");
  expect(error.detail.length).toBeGreaterThan(0);
});

test("a VMM that never connects is ended at the deadline, its last words in the error", async () => {
  const program = stub("echo starting up >&2; trap '' TERM; sleep 100");
  const start = performance.now();
  const error = await failure(qemu({ program, startTimeoutMs: 500 }).start(spec));
  expect(error.code).toBe("VMM_FAILED");
  expect(error.message).toContain("no connection from QEMU after 0.5 s");
  expect(error.detail).toEqual(["starting up"]);
  expect(performance.now() - start).toBeLessThan(20_000); // not the 100 s that it sleeps
  expect(leftIn(directory)).toEqual([]);
});

test("V10 a VMM that connects and says nothing is ended at the deadline", async () => {
  const program = stub(connecting("cat > /dev/null"));
  const error = await failure(qemu({ program, startTimeoutMs: 1500 }).start(spec));
  expect(error.message).toContain("no greeting on QEMU's control connection");
  expect(leftIn(directory)).toEqual([]);
});

test("a VMM that talks nonsense on its control connection is ended at once", async () => {
  const program = stub(connecting("echo nonsense; sleep 100"));
  const error = await failure(qemu({ program }).start(spec));
  expect(error.message).toContain("QEMU sent no JSON");
});

test("V13 a VMM that refuses to go on is ended, and its refusal is the error", async () => {
  const answers = [
    `echo '{"QMP":{}}'; read -r line; echo '{"return":{},"id":1}'`,
    `read -r line; echo '{"error":{"class":"GenericError","desc":"not now"},"id":2}'; sleep 100`,
  ];
  const error = await failure(qemu({ program: stub(connecting(answers.join("; "))) }).start(spec));
  expect(error.message).toContain("not now");
  expect(leftIn(directory)).toEqual([]);
});

/** A script that connects to all three sockets and runs `talk` on the control connection. */
function connecting(talk: string): string {
  const node = `
    const net = require("net");
    const { spawn } = require("child_process");
    for (const name of ["console", "channel"]) net.connect("${directory}/" + name + ".sock");
    const qmp = net.connect("${directory}/qmp.sock", () => {
      const talk = spawn("sh", ["-c", process.argv[1]], { stdio: ["pipe", "pipe", "inherit"] });
      talk.stdout.pipe(qmp);
      qmp.pipe(talk.stdin);
    });`;
  writeFileSync(join(directory, "stub.js"), node);
  const file = join(directory, "stub-talk");
  writeFileSync(file, talk);
  return `exec "${process.execPath}" -e "$(cat '${join(directory, "stub.js")}')" "$(cat '${file}')"`;
}

test("a signal ends the start at once with INTERRUPTED, and nothing is left", async () => {
  const program = stub("sleep 100");
  const starting = qemu({ program }).start(spec, AbortSignal.timeout(200));
  expect((await failure(starting)).code).toBe("INTERRUPTED");
  expect(leftIn(directory)).toEqual([]);
});

test("V13 KVM that this host does not give is one error with a hint, never TCG by itself", async () => {
  const error = await failure(qemu().start({ ...spec, accel: "kvm", arch: "aarch64" }));
  expect(["UNSUPPORTED", "PERMISSION"]).toContain(error.code);
  expect(error.hint).toContain("--accel tcg");
});

test.each([
  [{ memoryMiB: 0 }, "memory"],
  [{ memoryMiB: -1 }, "memory"],
  [{ memoryMiB: Number.NaN }, "memory"],
  [{ memoryMiB: 4_294_967_296 }, "memory"],
  [{ cpus: 0 }, "CPUs"],
  [{ cpus: 1.5 }, "CPUs"],
  [{ cpus: 1000 }, "CPUs"],
  [{ commandLine: "a\nb" }, "control characters"],
  [{ commandLine: "x".repeat(2048) }, "2048 bytes"],
  [{ ports: [tcpPort(65536)] }, "port of the host"],
  [{ ports: [tcpPort(80, "localhost,hostfwd=tcp::22-:22")] }, "IPv4 address"],
  [{ ports: [tcpPort(0)], network: "none" as const }, "no network"],
  [{ kernel: "relative" }, "no absolute path"],
  [{ kernel: "/nonexistent" }, "does not exist"],
  [{ drives: [{ path: "/dev/null", readOnly: true }] }, "no regular file"],
])("%j is refused before anything starts", async (changes, words) => {
  const program = stub("echo started; exit 1");
  const error = await failure(qemu({ program }).start({ ...spec, ...changes }));
  expect(error.message).toContain(words);
});

test("the version is that of the installed program", async () => {
  const text = execFileSync("qemu-system-x86_64", ["--version"]).toString();
  expect(text).toContain(`version ${await qemu().version()}`);
});

test("a missing QEMU is TOOL_MISSING with the package that brings it", async () => {
  setFaults([{ call: "stat", pathPrefix: "/", nth: 1, errno: "ENOENT", persistent: true }]);
  const error: unknown = await qemu()
    .version("aarch64")
    .catch((reason: unknown) => reason);
  expect(isWickError(error, "TOOL_MISSING")).toBe(true);
  expect((error as WickError).hint).toBe("apt-get install qemu-system-arm");
});
