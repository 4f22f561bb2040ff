import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { afterEach, beforeAll, expect, test } from "vitest";
import { compileInitPart } from "../../test/support/init-part.ts";
import { closedPort, echo, pattern, serve, sockets } from "../../test/support/relay-application.ts";
import { RelayPeer, relayFiles } from "../../test/support/relay-peer.ts";
import { lastingDirectory } from "../../test/support/temporary-directory.ts";

const ECONNREFUSED = 111;
const ENOBUFS = 105;
const ESHUTDOWN = 108;

let program: string;
beforeAll(() => {
  program = compileInitPart("relay-main.c", relayFiles, lastingDirectory());
});

const peers: RelayPeer[] = [];
afterEach(async () => {
  for (const peer of peers.splice(0)) {
    expect(peer.violations).toEqual([]);
    await peer.close();
  }
});

async function start(of?: ConstructorParameters<typeof RelayPeer>[1]): Promise<RelayPeer> {
  const peer = await RelayPeer.start(program, of);
  peers.push(peer);
  return peer;
}

test("a request goes to the application, its answer comes back, and both ends close", async () => {
  const port = await serve(echo);
  const peer = await start();
  const connection = peer.open(port);
  await connection.send(Buffer.from("hello")); // before opened: the window allows it
  connection.end();
  await connection.until(() => connection.heard.final !== undefined);
  expect(connection.text).toBe("hello");
  expect(connection.heard).toMatchObject({ opened: true, end: true, final: "closed" });
  expect(peer.inUse).toBe(0);
});

test("a port on which nobody listens is refused, and the number can be used again", async () => {
  const port = await closedPort();
  const peer = await start();
  for (let i = 0; i < 3; i++) {
    const connection = peer.open(port);
    await connection.send(Buffer.from("lost"));
    await connection.until(() => connection.heard.final !== undefined);
    expect(connection.heard).toMatchObject({ opened: false, refused: ECONNREFUSED });
    expect(connection.number).toBe(1);
  }
});

test("an application that ends its side first still gets what the client says", async () => {
  const got: Buffer[] = [];
  const port = await serve((socket) => {
    socket.end("first");
    socket.on("data", (bytes) => got.push(bytes));
    socket.on("end", () => socket.destroy());
  });
  const peer = await start();
  const connection = peer.open(port);
  await connection.until(() => connection.heard.end);
  expect(connection.text).toBe("first");
  await connection.send(pattern(300_000));
  connection.end();
  await connection.until(() => connection.heard.final !== undefined);
  expect(connection.heard.final).toBe("closed");
  await expect.poll(() => Buffer.concat(got).length).toBe(300_000); // out of the kernel's buffers
  expect(Buffer.concat(got).equals(pattern(300_000))).toBe(true);
});

test("an application that answers when the client has ended its side is heard", async () => {
  const port = await serve((socket) => {
    let length = 0;
    socket.on("data", (bytes) => (length += bytes.length));
    socket.on("end", () => socket.end(`${length} bytes`));
  });
  const peer = await start();
  const connection = peer.open(port);
  await connection.send(pattern(100_000));
  connection.end();
  await connection.until(() => connection.heard.final !== undefined);
  expect(connection.text).toBe("100000 bytes");
});

test("a reset of the client's resets the application's socket, one of the application's the client", async () => {
  const errors: string[] = [];
  const port = await serve((socket) => {
    socket.on("error", (error: NodeJS.ErrnoException) => errors.push(error.code!));
    socket.on("data", (bytes) => {
      if (bytes.toString() === "reset me") socket.resetAndDestroy();
      else socket.write(bytes);
    });
  });
  const peer = await start();
  const one = peer.open(port);
  await one.send(Buffer.from("x"));
  await one.until(() => one.text === "x");
  one.reset();
  await one.until(() => one.heard.final !== undefined);
  const two = peer.open(port);
  await two.send(Buffer.from("reset me"));
  await two.until(() => two.heard.final !== undefined);
  expect([one.heard.final, two.heard.final]).toEqual(["reset", "reset"]);
  await expect.poll(() => errors).toEqual(["ECONNRESET"]);
});

test("an answer given before the application closed without reading comes, then the reset", async () => {
  const port = await serve((socket) => {
    socket.pause();
    socket.write("413 too large", () => socket.destroy());
  });
  const peer = await start();
  const connection = peer.open(port);
  void connection.send(pattern(8 << 20));
  await connection.until(() => connection.heard.final !== undefined);
  expect(connection.text).toBe("413 too large");
  expect(connection.heard.final).toBe("reset");
});

test("eight mebibytes each way come whole, in windows that grow and are kept", async () => {
  const port = await serve(echo);
  const peer = await start({ window: 10_000 });
  const connection = peer.open(port);
  expect(connection.window).toBe(16 << 10);
  await connection.send(pattern(8 << 20));
  connection.end();
  await connection.until(() => connection.heard.final !== undefined);
  expect(Buffer.concat(connection.heard.bytes).equals(pattern(8 << 20))).toBe(true);
  expect(Math.max(...connection.credits)).toBeGreaterThanOrEqual(128 << 10);
});

test("a connection that the application does not read takes its window and no more", async () => {
  const port = await serve((socket) => socket.pause());
  const peer = await start();
  const connection = peer.open(port);
  let sent = 0;
  void (async () => {
    for (;;) {
      await connection.send(pattern(16384));
      sent += 16384;
    }
  })().catch(() => {});
  // The kernel takes some mebibytes for the socket; then nothing moves any more.
  await expect
    .poll(
      async () => {
        const before = sent;
        await new Promise((resolve) => setTimeout(resolve, 300));
        return sent - before;
      },
      { timeout: 10_000 },
    )
    .toBe(0);
  expect(connection.window).toBe(0);
  const other = peer.open(await serve(echo));
  await other.send(Buffer.from("past it"));
  await other.until(() => other.text === "past it");
  for (const socket of sockets) socket.resume();
  await connection.until(() => connection.window > 0);
});

test("a client that does not read does not slow its neighbours", async () => {
  const port = await serve((socket) => {
    socket.on("data", (bytes) => {
      if (bytes.toString() === "flood") socket.write(pattern(4 << 20));
      else socket.write(bytes);
    });
  });
  const peer = await start({ window: 65_536 });
  const stalled = peer.open(port);
  stalled.takes = false;
  await stalled.send(Buffer.from("flood"));
  const other = peer.open(port);
  for (let i = 0; i < 100; i++) {
    await other.send(Buffer.from(`${i};`));
    await other.until(() => other.text.endsWith(`${i};`));
  }
  const got = Buffer.concat(stalled.heard.bytes).length;
  expect(got).toBe(65_536);
  stalled.take(got);
  await stalled.until(() => Buffer.concat(stalled.heard.bytes).length === 4 << 20);
});

test("two thousand connections are open at once and each has its own bytes", async () => {
  const port = await serve(echo);
  const peer = await start();
  peer.child.kill("SIGSTOP"); // so that it then reads opens and bytes of most at once
  const all = Array.from({ length: 2000 }, () => peer.open(port));
  const sent = all.map((one, i) => one.send(Buffer.from(`connection ${i}`)));
  peer.child.kill("SIGCONT");
  await Promise.all(sent);
  for (const [i, one] of all.entries()) await one.until(() => one.text === `connection ${i}`);
  expect(sockets.size).toBe(2000);
  for (const one of all) one.end();
  for (const one of all) await one.until(() => one.heard.final !== undefined);
  expect(all.every(({ heard }) => heard.final === "closed")).toBe(true);
});

test("what the application said before it ended is sent before goodbye", async () => {
  const port = await serve((socket) => {
    socket.end(pattern(1 << 20));
    socket.resume();
  });
  const peer = await start({ window: 20_000 });
  const connection = peer.open(port);
  connection.takes = false;
  const heard = () => Buffer.concat(connection.heard.bytes);
  await connection.until(() => heard().length === 20_000);
  peer.letGo(); // while the relay waits: what comes in the same moment might be read before it
  const late = peer.open(port);
  await late.until(() => late.heard.final !== undefined);
  expect(late.heard.refused).toBe(ESHUTDOWN);
  connection.take(20_000);
  while (!peer.goodbye) await peer.nextFrame();
  expect(heard().equals(pattern(1 << 20))).toBe(true);
  expect(connection.heard.end).toBe(true);
  const exited = once(peer.child, "exit");
  await peer.send(0x820a, new Uint8Array(), 0);
  await exited;
  expect(peer.child.exitCode).toBe(0);
});

/** A program that listens and never accepts: after two connections the kernel lets others wait. */
async function listenOnly(): Promise<{ port: number; child: ChildProcess }> {
  const script = `const server = require("node:net").createServer();
    server.listen({ host: "127.0.0.1", port: 0, backlog: 1 }, () => {
      require("node:fs").writeSync(1, String(server.address().port));
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
    });`;
  const child = spawn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "inherit"] });
  const [port] = (await once(child.stdout, "data")) as [Buffer];
  return { port: Number(port), child };
}

test("bytes that find no room in the bound end their connection, and the memory is not taken", async () => {
  const { port, child } = await listenOnly();
  try {
    const peer = await start({ bound: 2 << 20 });
    const all = Array.from({ length: 400 }, () => peer.open(port));
    for (const one of all) await one.send(pattern(16 << 10));
    const refused = () => all.filter(({ heard }) => heard.final === "refused");
    await expect.poll(() => refused().length).toBeGreaterThan(200);
    expect(new Set(refused().map(({ heard }) => heard.refused))).toEqual(new Set([ENOBUFS]));
    const status = readFileSync(`/proc/${peer.child.pid}/status`, "utf8");
    expect(Number(/VmHWM:\s+(\d+) kB/u.exec(status)![1])).toBeLessThan(3 << 10);
    const other = peer.open(await serve(echo));
    await other.send(Buffer.from("past it"));
    await other.until(() => other.text === "past it");
  } finally {
    child.kill("SIGKILL");
    await once(child, "exit");
  }
});
