import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, expect, test } from "vitest";
import { ForwardedPorts } from "./forward.ts";

/** In the place of host and machine: two addresses of loopback. */
const route = { host: "127.0.0.7", guest: "127.0.0.8" } as const;

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

/** A server in the machine; what its connections come from is noted. */
async function guest(serve: (socket: Socket) => void): Promise<number> {
  const server: Server = createServer({ allowHalfOpen: true }, (socket) => {
    undo.push(() => socket.destroy());
    socket.on("error", () => undefined);
    serve(socket);
  });
  server.listen(0, route.guest);
  await once(server, "listening");
  undo.push(() => server.close());
  return (server.address() as AddressInfo).port;
}

async function published(guestPort: number): Promise<ForwardedPorts> {
  const port = { protocol: "tcp", hostAddress: "127.0.0.1", hostPort: 0, guestPort } as const;
  const ports = await ForwardedPorts.listen([port], route);
  undo.push(() => ports.close(0));
  return ports;
}

async function client(ports: ForwardedPorts): Promise<Socket> {
  const { hostPort } = ports.ports[0]!;
  const socket = connect({ port: hostPort, host: "127.0.0.1", allowHalfOpen: true });
  socket.on("error", () => undefined);
  undo.push(() => socket.destroy());
  await once(socket, "connect");
  return socket;
}

/** By events: a loop over the stream would close its other half as well. */
async function textOf(socket: Socket): Promise<string> {
  let text = "";
  socket.on("data", (chunk: Buffer) => void (text += chunk.toString("latin1")));
  await once(socket, "end");
  return text;
}

/** The errno with which it breaks, "end" for a plain end. */
function breaks(socket: Socket): Promise<string | undefined> {
  return new Promise((resolve) => {
    socket.once("error", (error: NodeJS.ErrnoException) => resolve(error.code));
    socket.once("end", () => resolve("end")).resume();
  });
}

test("a client's end reaches the machine, whose answer then reaches the client", async () => {
  const from: (string | undefined)[] = [];
  const port = await guest((socket) => {
    from.push(socket.remoteAddress);
    void textOf(socket).then((text) => socket.end(`${text.length} bytes`));
  });
  const socket = await client(await published(port));
  const sent = "x".repeat(3 << 20);
  socket.end(sent);
  expect(await textOf(socket)).toBe(`${sent.length} bytes`);
  // By the TAP's own address, and so never by another device.
  expect(from).toEqual([route.host]);
});

test("a port where nothing listens, and a connection that the machine resets, are reset", async () => {
  const closed = await guest(() => undefined);
  await undo.pop()!();
  expect(await breaks(await client(await published(closed)))).toBe("ECONNRESET");
  const resetting = await guest(
    (socket) => void socket.once("data", () => socket.resetAndDestroy()),
  );
  const socket = await client(await published(resetting));
  socket.write("x");
  expect(await breaks(socket)).toBe("ECONNRESET");
});

test("a client that goes away is gone for the machine, too", async () => {
  let ended: Promise<string | undefined> | undefined;
  const port = await guest((socket) => void (ended = breaks(socket)));
  const socket = await client(await published(port));
  await expect.poll(() => ended !== undefined).toBe(true);
  socket.resetAndDestroy();
  expect(await ended).toBe("ECONNRESET");
});

test("when the machine is gone its last bytes reach a slow client, others are reset, none stays", async () => {
  const all = 8 << 20;
  const full = await guest((socket) => socket.end(Buffer.alloc(all)));
  const ports = await published(full);
  const slow = await client(ports);
  await sleep(100);
  const held = await published(await guest(() => undefined));
  const open = await client(held);
  await sleep(50);
  const gone = [ports.close(), held.close()];
  expect(await breaks(open)).toBe("ECONNRESET");
  expect((await textOf(slow)).length).toBe(all);
  await Promise.all(gone);
  expect(await breaks(connect(ports.ports[0]!.hostPort, "127.0.0.1"))).toBe("ECONNREFUSED");
});

test("a client that takes no last bytes is not waited for longer than it is given", async () => {
  const ports = await published(await guest((socket) => socket.end(Buffer.alloc(32 << 20))));
  const stalled = await client(ports);
  await sleep(100);
  const start = performance.now();
  await ports.close(300);
  expect(performance.now() - start).toBeLessThan(4000); // not the 5 s of its default
  stalled.destroy();
});

test("one port that is taken is PORT_BUSY, and those before it are let go", async () => {
  const taken = (await published(1)).ports[0]!.hostPort;
  const free = (await published(1)).ports[0]!.hostPort;
  await undo.pop()!();
  const wanted = [free, taken].map(
    (hostPort) => ({ protocol: "tcp", hostAddress: "127.0.0.1", hostPort, guestPort: 1 }) as const,
  );
  await expect(ForwardedPorts.listen(wanted, route)).rejects.toMatchObject({ code: "PORT_BUSY" });
  expect(await breaks(connect(free, "127.0.0.1"))).toBe("ECONNREFUSED");
});
