import { createHash } from "node:crypto";
import { once } from "node:events";
import { chmodSync, readdirSync, writeFileSync } from "node:fs";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Context, run, type RunOptions } from "../../src/index.ts";
import { type StartedCli, startWick, wick } from "../support/cli.ts";
import { isAlive, ownProcesses } from "../support/processes.ts";
import { lastingDirectory } from "../support/temporary-directory.ts";
import { compileTestInit } from "../support/test-guest.ts";

/** What one way carries by itself: both ends work out their own sum of it, the guest slowly. */
const BULK_BYTES = 16 * 2 ** 20;

/** What goes in and comes back at once: a GiB (G19), unless WICK_RELAY_BULK_MIB says less. */
const ECHOED_MIB = Number(process.env["WICK_RELAY_BULK_MIB"] ?? 1024);

/** test/support/guest/relay-server.c says what each does. */
const PORTS = [7, 80, 9, 19, 20, 21, 22, 23, 24, 25] as const;
type Port = (typeof PORTS)[number];

/** An application ignores it, unless it says otherwise. */
const SIGWINCH = 28;

let image: string;

beforeAll(async () => {
  const directory = lastingDirectory();
  const program = join(directory, "relay-server");
  image = join(directory, "relay.ext4");
  writeFileSync(program, compileTestInit("relay-server"));
  chmodSync(program, 0o755);
  const built = await wick(["build", "-o", image, `bin:${program}`]);
  expect(built.status, built.stderr).toBe(0);
});

function context(): Context {
  return { environment: process.env, workingDirectory: tmpdir(), onEvent: () => undefined };
}

/** A machine with the server, listening. */
class Served implements AsyncDisposable {
  readonly running: StartedCli;

  private constructor(running: StartedCli) {
    this.running = running;
  }

  /** `prefix`: words before the command. */
  static async start(prefix: readonly string[] = []): Promise<Served> {
    const publish = PORTS.flatMap((port) => ["-p", String(port)]);
    const words = ["--network", "relay", ...publish, image, String(BULK_BYTES)];
    const served = new Served(startWick(["run", ...words], { prefix }));
    await Promise.race([served.running.shown("-> 25/tcp"), served.running.done]);
    expect(served.running.text()).toContain("-> 25/tcp");
    return served;
  }

  hostPort(port: Port): number {
    return Number(
      new RegExp(`127\\.0\\.0\\.1:(\\d+) -> ${port}/tcp`).exec(this.running.text())![1],
    );
  }

  vmmPid(): number {
    const found = ownProcesses(tmpdir()).find(
      ({ command, parent }) => command.includes("qemu-system") && parent === this.running.child.pid,
    );
    return found!.pid;
  }

  async connect(port: Port): Promise<Socket> {
    const socket = connect({ port: this.hostPort(port), host: "127.0.0.1", allowHalfOpen: true });
    socket.setNoDelay(true).on("error", () => undefined);
    await once(socket, "connect");
    return socket;
  }

  /** What a port says until it ends, to a client that sends `bytes` and ends. */
  async ask(port: Port, bytes: Uint8Array | string = ""): Promise<string> {
    const socket = await this.connect(port);
    socket.end(bytes);
    return textOf(socket);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.running.child.exitCode === null) this.running.child.kill("SIGINT");
    await this.running.done;
  }
}

async function textOf(socket: Socket): Promise<string> {
  let text = "";
  for await (const chunk of socket) text += String(chunk);
  return text;
}

/** The errno with which a connection breaks, "end" for a plain end. */
async function breaks(socket: Socket): Promise<string | undefined> {
  if (socket.errored !== null) return (socket.errored as NodeJS.ErrnoException).code;
  return new Promise((resolve) => {
    socket.once("error", (error: NodeJS.ErrnoException) => resolve(error.code));
    socket.once("end", () => resolve("end")).resume();
  });
}

/** Asks `times` times on one connection of port 80; the server's own count of each request. */
async function requests(socket: Socket, times: number): Promise<number[]> {
  const counts: number[] = [];
  let text = "";
  const chunks = socket[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  while (counts.length < times) {
    socket.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    let body: RegExpExecArray | null = null;
    while (body === null) {
      const { value, done } = await chunks.next();
      if (done === true) throw new Error(`the connection ended after ${counts.length} answers`);
      text += value.toString("latin1");
      body = ANSWER.exec(text);
      if (body !== null && body[2]!.length < Number(body[1])) body = null;
    }
    counts.push(Number(body[2]));
    text = text.slice(body[0].length);
  }
  return counts;
}

const ANSWER = /^HTTP\/1\.1 200 OK\r\nContent-Length: (\d+)\r\n\r\n(\d+)/;

let served: Served;
beforeAll(async () => {
  served = await Served.start();
});
afterAll(() => served[Symbol.asyncDispose]());

test("10,000 requests are all answered, each once, over old connections and new ones", async () => {
  const seen: number[] = [];
  const kept = async (): Promise<void> => {
    const socket = await served.connect(80);
    seen.push(...(await requests(socket, 180)));
    socket.destroy();
  };
  const each = async (): Promise<void> => {
    for (let i = 0; i < 20; i++) {
      const socket = await served.connect(80);
      seen.push(...(await requests(socket, 1)));
      socket.destroy();
    }
  };
  await Promise.all(Array.from({ length: 50 }, () => [kept(), each()]).flat());
  expect(new Set(seen).size).toBe(10_000);
});

test("2000 connections are open at once, and each gets its answer", async () => {
  const sockets: Socket[] = [];
  for (let i = 0; i < 20; i++) {
    sockets.push(...(await Promise.all(Array.from({ length: 100 }, () => served.connect(80)))));
  }
  const counts = await Promise.all(sockets.map((socket) => requests(socket, 1)));
  expect(new Set(counts.flat()).size).toBe(2000);
  for (const socket of sockets) socket.destroy();
});

test("connections that stall, either way, hold up no other", async () => {
  const unread = await served.connect(9);
  const chunk = Buffer.alloc(1 << 20);
  while (unread.write(chunk));
  const notReading = await served.connect(19);
  notReading.pause();
  await sleep(500);
  const start = performance.now();
  const socket = await served.connect(80);
  await requests(socket, 200);
  // 50 ms for a request are plenty on a busy host; a stall would be for ever.
  expect(performance.now() - start).toBeLessThan(10_000);
  for (const one of [unread, notReading, socket]) one.destroy();
});

test("either direction ends by itself", async () => {
  expect(await served.ask(20, "question")).toBe(`8 ${fnv1a(Buffer.from("question"))}`);
  const socket = await served.connect(21);
  let text = "";
  socket.on("data", (chunk) => (text += String(chunk)));
  await once(socket, "end");
  expect(text).toBe("bye");
  socket.end(Buffer.alloc(100_000));
  await once(socket, "close");
  await until(async () => (await served.ask(25)) === "0 100000");
});

test("resets go both ways", async () => {
  const reset = await served.connect(22);
  reset.write("x");
  expect(await breaks(reset)).toBe("ECONNRESET");
  const mine = await served.connect(24);
  mine.write("x");
  await sleep(200);
  mine.resetAndDestroy();
  await until(async () => (await served.ask(25)).startsWith("1 "));
});

test("bulk arrives whole, each way", async () => {
  const received = createHash("sha256");
  for await (const bytes of await served.connect(19)) received.update(bytes as Buffer);
  expect(received.digest("hex")).toBe(countingDigest(BULK_BYTES));
  const socket = await served.connect(20);
  const chunk = Buffer.alloc(1 << 20, "0123456789abcdef!");
  let sum = FNV_BASIS;
  for (let sent = 0; sent < BULK_BYTES; sent += chunk.length) {
    sum = fnv1aOn(sum, chunk);
    if (!socket.write(chunk)) await once(socket, "drain");
  }
  socket.end();
  expect(await textOf(socket)).toBe(`${BULK_BYTES} ${(sum >>> 0).toString(16)}`);
}, 90_000);

test(
  "G19 1 GiB each way at once, the client's end first: the same digest comes back",
  async () => {
    const socket = await served.connect(7);
    const sending = sendNumbered(socket, ECHOED_MIB);
    const received = createHash("sha256");
    for await (const bytes of socket) received.update(bytes as Buffer);
    expect(received.digest("hex")).toBe(await sending);
  },
  60_000 + ECHOED_MIB * 500,
);

test("a server that answers and exits does not lose its answer", async () => {
  const words = textOf(await served.connect(23));
  expect(await words).toBe("last words");
  expect((await served.running.done).status).toBe(3);
});

test("how an application ended that had to be killed is known, also where a client reads nothing of it", async () => {
  const options: RunOptions = { source: image, command: [String(BULK_BYTES)], network: "relay" };
  await using machine = await run({ ...options, publish: ["19"] }, context());
  await machine.ready;
  const stalled = connect({ port: machine.ports[0]!.hostPort, host: "127.0.0.1" });
  stalled.on("error", () => undefined).pause();
  await once(stalled, "connect");
  await sleep(500); // until its windows are full
  await machine.stop({ signal: SIGWINCH, graceMs: 500 });
  expect(await machine.exited).toMatchObject({ status: 137, report: { signal: 9 } });
  stalled.destroy();
});

test("V2 with QEMU killed, clients are reset and wick says so", async () => {
  const first = await Served.start();
  const socket = await first.connect(7);
  process.kill(first.vmmPid(), "SIGKILL");
  expect(await breaks(socket)).toBe("ECONNRESET");
  expect((await first.running.done).status).toBe(125);
});

test("V1 too few descriptors end only what they are too few for, and with wick killed nothing is left", async () => {
  const others = runDirectories();
  const limit = ["prlimit", "--nofile=300:300"];
  await using second = await Served.start(limit);
  const many = await Promise.all(Array.from({ length: 400 }, () => second.connect(7)));
  const broken = await Promise.all(many.slice(-10).map((socket) => breaks(socket)));
  expect(broken).not.toContain(undefined);
  for (const socket of many) socket.destroy();
  // Once they are gone, and their descriptors with them, the next is served again.
  const client = await firstServed(second);
  const pid = second.vmmPid();
  second.running.child.kill("SIGKILL");
  await breaks(client);
  await until(() => !isAlive(pid));
  await second.running.done; // its connections break before its ports are closed
  const late = connect({ port: second.hostPort(7), host: "127.0.0.1" });
  await expect(once(late, "connect")).rejects.toThrow("ECONNREFUSED");
  await until(() => runDirectories().every((name) => others.includes(name)));
});

test("with the relay killed in the guest, clients are reset, and the application lives on", async () => {
  const shell = `nc -l -p 80 -e /usr/bin/busybox sleep 100 & sleep 1; kill -9 $(pidof wick-relay); sleep 1; exit 5`;
  const words = ["--entrypoint", "/usr/bin/busybox", "deb:busybox-static", "sh", "-c", shell];
  const running = startWick(["run", "--network", "relay", "-p", "80", ...words]);
  await running.shown("-> 80/tcp");
  const port = Number(/127\.0\.0\.1:(\d+) -> 80\/tcp/.exec(running.text())![1]);
  const client = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  expect(await breaks(client)).toBe("ECONNRESET");
  const { status, stderr } = await running.done;
  expect(stderr).toContain("relay");
  expect(status).toBe(5);
});

test.each([
  [["-p", "53:53/udp"], "USAGE", "the relay carries TCP alone"],
  [["-p", "192.0.2.1:80:80"], "USAGE", "none of this machine's"],
])("--network relay with %j is refused before anything starts", async (options, code, words) => {
  const { status, stderr } = await wick(["run", "--network", "relay", ...options, image]);
  expect([status, stderr]).toEqual([125, expect.stringContaining(code)]);
  expect(stderr).toContain(words);
});

test("V9 a port that is in use is PORT_BUSY, and none stays bound", async () => {
  const busy = createServer().listen(0, "127.0.0.1");
  await once(busy, "listening");
  const { port } = busy.address() as AddressInfo;
  const { status, stderr } = await wick(["run", "--network", "relay", "-p", `${port}:80`, image]);
  busy.close();
  expect(stderr).toContain("PORT_BUSY");
  expect(status).toBe(125);
});

/** Sends so many MiB, no two alike, then its end; their SHA-256. */
async function sendNumbered(socket: Socket, mib: number): Promise<string> {
  const sent = createHash("sha256");
  for (let number = 0; number < mib; number++) {
    const chunk = Buffer.alloc(1 << 20, "0123456789abcdef!");
    chunk.writeUInt32LE(number, number);
    sent.update(chunk);
    if (!socket.write(chunk)) await once(socket, "drain");
  }
  socket.end();
  return sent.digest("hex");
}

/** The private directories of machines. */
function runDirectories(): string[] {
  return readdirSync(tmpdir()).filter((name) => name.startsWith("wick-run-"));
}

/** The first client whose request is answered. */
async function firstServed(by: Served): Promise<Socket> {
  for (;;) {
    const socket = await by.connect(80);
    const isServed = await requests(socket, 1).then(
      () => true,
      () => false,
    );
    if (isServed) return socket;
    await sleep(50);
  }
}

/** Waits until `test` holds; the test's own timeout is the bound. */
async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await sleep(50);
}

/** SHA-256 of so many bytes as port 19 sends them. */
function countingDigest(length: number): string {
  const hash = createHash("sha256");
  const period = Buffer.from(Uint8Array.from({ length: 251 * 4096 }, (_, index) => index % 251));
  for (let left = length; left > 0; left -= period.length) hash.update(period.subarray(0, left));
  return hash.digest("hex");
}

const FNV_BASIS = 0x811c9dc5;

function fnv1aOn(sum: number, bytes: Uint8Array): number {
  for (const byte of bytes) sum = Math.imul(sum ^ byte, 0x01000193);
  return sum;
}

function fnv1a(bytes: Uint8Array): string {
  return (fnv1aOn(FNV_BASIS, bytes) >>> 0).toString(16);
}
