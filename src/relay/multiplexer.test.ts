import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ScriptedGuest } from "../../test/support/relay-guest.ts";
import type { WickError } from "../errors/index.ts";
import { encodeRelay, type RelayMessage } from "../guest/index.ts";
import { listenTcp, type TcpListener } from "../host/index.ts";
import { Multiplexer, type MultiplexerOptions } from "./multiplexer.ts";
import { FIRST_WINDOW_BYTES } from "./receive-window.ts";

let guest: ScriptedGuest;
let multiplexer: Multiplexer;
let listener: TcpListener;
let broken: WickError[];

async function begin(options: MultiplexerOptions = {}): Promise<void> {
  guest = new ScriptedGuest();
  broken = [];
  multiplexer = new Multiplexer(
    { broken: (error) => broken.push(error), ended: () => undefined },
    options,
  );
  const address = { hostAddress: "127.0.0.1", hostPort: 0 };
  listener = await listenTcp(address, (socket) => multiplexer.accept(socket, 80));
}

async function end(): Promise<void> {
  listener.close();
  guest.end();
  multiplexer.close();
  await multiplexer.idle();
}

beforeEach(() => begin());
afterEach(() => end());

async function client(): Promise<Socket> {
  const socket = connect({ port: listener.hostPort, host: "127.0.0.1", allowHalfOpen: true });
  // A reset may come before the connection is told.
  await new Promise<void>((resolve) => {
    socket.on("error", () => resolve());
    socket.once("connect", resolve);
  });
  return socket;
}

/** A client and the number under which the guest knows it, connected. */
async function connected(): Promise<{ socket: Socket; number: number }> {
  const socket = await client();
  const { number } = await guest.of("open");
  guest.send({ kind: "opened", number });
  return { socket, number };
}

function started(window?: number): void {
  multiplexer.attach(guest.hostEnd);
  guest.hello(window);
}

async function textOf(socket: Socket): Promise<string> {
  let text = "";
  for await (const chunk of socket) text += String(chunk);
  return text;
}

/** The errno with which a client's connection broke, "" for a plain end. */
async function fate(socket: Socket): Promise<string> {
  let errno = "";
  socket.on("error", (error: NodeJS.ErrnoException) => (errno = error.code ?? "?"));
  if (socket.errored !== null) return (socket.errored as NodeJS.ErrnoException).code!;
  socket.once("end", () => socket.end()).resume();
  if (!socket.closed) await new Promise((resolve) => socket.once("close", resolve));
  return errno;
}

function data(number: number, bytes: Uint8Array | string): RelayMessage {
  return { kind: "data", number, bytes: Buffer.from(bytes) };
}

test("a client that comes before the guest waits, and a whole request and answer go through", async () => {
  const socket = await client();
  socket.end("GET /");
  await sleep(20);
  expect(guest.heard).toEqual([]);
  started();
  expect(await guest.of("hello")).toMatchObject({ version: 1, window: FIRST_WINDOW_BYTES });
  expect(await guest.of("open")).toEqual({ kind: "open", number: 1, port: 80 });
  guest.send({ kind: "opened", number: 1 });
  expect(await guest.bytesOf(1)).toBe("GET /");
  guest.send(data(1, "hel"), data(1, "lo"), { kind: "end", number: 1 });
  expect(await textOf(socket)).toBe("hello");
  await guest.of("closed", 1);
  expect(multiplexer.connections).toBe(1);
  guest.send({ kind: "closed", number: 1 });
  await multiplexer.idle();
  expect(multiplexer.connections).toBe(0);
});

test("each direction ends by itself: the other goes on", async () => {
  started();
  const one = await connected();
  one.socket.end("question");
  expect(await guest.bytesOf(one.number)).toBe("question");
  await sleep(10);
  guest.send(data(one.number, "late answer"), { kind: "end", number: one.number });
  expect(await textOf(one.socket)).toBe("late answer");
  const two = await connected();
  guest.send({ kind: "end", number: two.number });
  await once(two.socket.resume(), "end");
  two.socket.end("still here");
  expect(await guest.bytesOf(two.number)).toBe("still here");
  await guest.of("closed", two.number);
});

test("where nothing listens the client is reset, and the number comes back with our reset", async () => {
  started();
  const socket = await client();
  socket.write("x");
  const { number } = await guest.of("open");
  guest.send({ kind: "refused", number, errno: 111 });
  expect(await fate(socket)).toBe("ECONNRESET");
  await guest.of("reset", number);
  expect(multiplexer.connections).toBe(0);
});

test("resets go both ways", async () => {
  started();
  const mine = await connected();
  mine.socket.resetAndDestroy();
  await guest.of("reset", mine.number);
  expect(multiplexer.connections).toBe(1);
  guest.send(data(mine.number, "ignored"), { kind: "reset", number: mine.number });
  await multiplexer.idle();
  const theirs = await connected();
  guest.send({ kind: "reset", number: theirs.number });
  expect(await fate(theirs.socket)).toBe("ECONNRESET");
  await guest.of("reset", theirs.number);
  expect(multiplexer.connections).toBe(0);
  expect(broken).toEqual([]);
});

test("a reset behind both ends is still a reset", async () => {
  started();
  const { socket, number } = await connected();
  socket.pause();
  socket.end();
  await guest.of("end", number);
  guest.send(data(number, Buffer.alloc(FIRST_WINDOW_BYTES)), { kind: "end", number });
  guest.send({ kind: "reset", number });
  await multiplexer.idle();
  expect(broken).toEqual([]);
});

test("no more is sent than the guest takes, and a stalled connection holds up no other", async () => {
  started(10);
  const slow = await connected();
  slow.socket.write(Buffer.alloc(1 << 20, "s"));
  expect((await guest.of("data", slow.number)).bytes).toHaveLength(10);
  const fast = await connected();
  fast.socket.end("12345");
  expect(await guest.bytesOf(fast.number)).toBe("12345");
  expect(guest.heard.filter(({ kind }) => kind === "data")).toEqual([]);
  guest.send({ kind: "credit", number: slow.number, bytes: 7 });
  expect((await guest.of("data", slow.number)).bytes).toHaveLength(7);
});

test("bulk connections have a frame each in turn, of 16 KiB at most", async () => {
  started(1 << 24);
  const [one, two] = [await connected(), await connected()];
  guest.pause();
  for (const { socket } of [one, two]) socket.write(Buffer.alloc(1 << 22));
  await sleep(50);
  guest.resume();
  const order: number[] = [];
  // What was sent before both waited comes first.
  while (order.indexOf(two.number) < 0 || order.length < order.indexOf(two.number) + 6) {
    const { number, bytes } = await guest.of("data");
    expect(bytes.length).toBeLessThanOrEqual(1 << 14);
    order.push(number);
  }
  const contended = order.slice(order.indexOf(two.number), order.indexOf(two.number) + 6);
  expect(contended.filter((number) => number === one.number).length).toBe(3);
});

test("a client that reads is granted more, one that stalls no more than its window", async () => {
  started();
  const { socket, number } = await connected();
  socket.resume();
  let credit = FIRST_WINDOW_BYTES;
  for (let sent = 0; sent < 4 << 20;) {
    if (credit === 0) credit += (await guest.of("credit", number)).bytes;
    const piece = Math.min(credit, 1 << 16);
    guest.send(data(number, Buffer.alloc(piece)));
    credit -= piece;
    sent += piece;
  }
  while (credit <= 1 << 17) credit += (await guest.of("credit", number)).bytes;
  expect(credit).toBeLessThanOrEqual(1 << 18);
  guest.send(...Array.from({ length: 5 }, () => data(number, Buffer.alloc(credit / 5 + 1))));
  await multiplexer.idle();
  expect(broken[0]!.message).toContain("over its window");
});

test("4096 connections are carried, the next is reset, and a number is not used twice", async () => {
  started();
  const sockets: Socket[] = [];
  for (let i = 0; i < 64; i++) {
    sockets.push(...(await Promise.all(Array.from({ length: 64 }, () => client()))));
  }
  expect(await fate(await client())).toBe("ECONNRESET");
  expect(multiplexer.connections).toBe(4096);
  sockets[0]!.resetAndDestroy();
  guest.send({ kind: "reset", number: (await guest.of("reset")).number });
  await sleep(10);
  const late = await client();
  await guest.of("open", 4097);
  for (const socket of [late, ...sockets]) socket.destroy();
}, 60_000);

test("a client that no guest comes for is reset after a while, so is one of a machine that ends", async () => {
  await end();
  await begin({ waitMs: 50 });
  expect(await fate(await client())).toBe("ECONNRESET");
  await end();
  await begin();
  const waits = await client();
  multiplexer.attach(guest.hostEnd);
  guest.end();
  expect(await fate(waits)).toBe("ECONNRESET");
  expect(await fate(await client())).toBe("ECONNRESET");
});

test("when the byte stream ends all connections are reset", async () => {
  started();
  const { socket, number } = await connected();
  guest.send(data(number, "half an ans"), { kind: "end", number: (await connected()).number });
  guest.end();
  expect(await fate(socket)).toBe("ECONNRESET");
  await multiplexer.idle();
});

test("behind a goodbye clients get what was sent to them whole, and the others a reset", async () => {
  started();
  const answered = await connected();
  answered.socket.pause().write("a body that nobody reads");
  const cut = await connected();
  const answer = Buffer.alloc(FIRST_WINDOW_BYTES, "a");
  guest.send(data(answered.number, answer), { kind: "end", number: answered.number });
  // Data and reset at once look like an end to Node: see libuv's reading of POLLHUP.
  guest.send(data(cut.number, "half"));
  await once(cut.socket, "data");
  guest.send({ kind: "goodbye" });
  await guest.of("goodbye");
  guest.end();
  expect(await fate(cut.socket)).toBe("ECONNRESET");
  await sleep(50);
  expect(multiplexer.connections).toBe(1);
  const text = textOf(answered.socket);
  expect((await text).length).toBe(answer.length);
  answered.socket.end();
  await multiplexer.idle();
});

test("a client that does not go for its last bytes holds nothing up for long", async () => {
  await end();
  await begin({ lastBytesMs: 100 });
  started();
  const { socket, number } = await connected();
  socket.pause();
  guest.send(data(number, Buffer.alloc(FIRST_WINDOW_BYTES)), { kind: "end", number });
  guest.send({ kind: "goodbye" });
  await multiplexer.idle();
  expect(await fate(socket)).toBe("");
});

const opened = (number: number): RelayMessage => ({ kind: "opened", number });
const credit = (number: number, bytes: number): RelayMessage => ({ kind: "credit", number, bytes });

const ENDED: RelayMessage = { kind: "end", number: 1 };

/** What a guest may not send once connection 1 is asked for. */
const hostile: readonly (readonly [string, readonly (RelayMessage | Uint8Array)[], string])[] = [
  ["a second hello", [{ kind: "hello", version: 1, window: 1 }], "hello where hello was"],
  ["data before opened", [data(1, "x")], "data before opened on connection 1"],
  ["end before opened", [{ kind: "end", number: 1 }], "end before opened"],
  ["credit before opened", [credit(1, 1)], "credit before opened"],
  ["opened twice", [opened(1), opened(1)], "opened twice"],
  ["refused after opened", [opened(1), { kind: "refused", number: 1, errno: 1 }], "after opened"],
  ["data after end", [opened(1), ENDED, data(1, "x")], "data after end"],
  ["end twice", [opened(1), ENDED, ENDED], "end twice"],
  ["closed too early", [opened(1), { kind: "closed", number: 1 }], "closed before both ends"],
  ["more than the window", [opened(1), data(1, Buffer.alloc(16385))], "over its window"],
  ["a window of 4 GiB", [opened(1), credit(1, 2 ** 31 - 1)], "makes a window"],
  ["a number that is not open", [opened(3)], "connection 3, which is not open"],
  ["an open of its own", [{ kind: "open", number: 1, port: 22 }], "open from the guest"],
  ["an unknown type", [Uint8Array.of(0, 0, 0, 0, 0x7f, 0x82, 1, 0)], "unknown type 0x827f"],
  ["a frame over 64 KiB", [Uint8Array.of(1, 0, 1, 0, 5, 0x82, 1, 0)], "a frame of 65537 bytes"],
  ["hello of a connection", [Uint8Array.of(0, 0, 0, 0, 1, 0x82, 1, 0)], "hello for connection 1"],
  ["a short credit", [opened(1), Uint8Array.of(0, 0, 0, 0, 6, 0x82, 1, 0)], "credit of 0 bytes"],
];

test.each(hostile)("%s is GUEST_PROTOCOL and resets all", async (_, messages, words) => {
  started();
  const [one, two] = [await client(), await client()];
  await guest.of("open", 2);
  for (const message of messages) {
    guest.sendBytes(message instanceof Uint8Array ? message : encodeRelay(message));
  }
  // What has had its end already ends.
  const first = messages.includes(ENDED) ? "" : "ECONNRESET";
  expect(await Promise.all([fate(one), fate(two)])).toEqual([first, "ECONNRESET"]);
  expect(broken.map(({ code }) => code)).toEqual(["GUEST_PROTOCOL"]);
  expect(broken[0]!.message).toContain(words);
  expect(multiplexer.connections).toBe(0);
});

test("a guest of another version, or that says no hello, is GUEST_PROTOCOL", async () => {
  multiplexer.attach(guest.hostEnd);
  guest.send({ kind: "hello", version: 2, window: 1 });
  await expect.poll(() => broken[0]?.message).toContain("version 2, wanted 1");
  await end();
  await begin();
  multiplexer.attach(guest.hostEnd);
  guest.send({ kind: "goodbye" });
  await expect.poll(() => broken[0]?.message).toContain("goodbye where hello should be");
});

test("an unknown type that need not be understood is skipped", async () => {
  started();
  guest.sendBytes(Uint8Array.of(1, 0, 0, 0, 0x7f, 0x02, 9, 0, 42));
  await connected();
  expect(broken).toEqual([]);
});
