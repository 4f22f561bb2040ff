import { once } from "node:events";
import { beforeAll, expect, test } from "vitest";
import { compileInitPart } from "../../test/support/init-part.ts";
import { echo, serve } from "../../test/support/relay-application.ts";
import { RelayPeer, relayFiles } from "../../test/support/relay-peer.ts";
import { lastingDirectory } from "../../test/support/temporary-directory.ts";
import { encodeFrame } from "./frames.ts";
import { relayTypes as types } from "./relay-types.ts";

let program: string;
beforeAll(() => {
  program = compileInitPart("relay-main.c", relayFiles, lastingDirectory());
});

const none = new Uint8Array();
const words = (...numbers: number[]): Uint8Array =>
  new Uint8Array(Uint16Array.from(numbers).buffer);
const count = (n: number): Uint8Array => new Uint8Array(Uint32Array.of(n).buffer);

type Said = readonly [type: number, number: number, payload: Uint8Array];
const open = (port: number, number = 1): Said => [types.open, number, words(port)];

/** What follows a hello that is as it should be; RELAY_VIOLATED is the process's status. */
const violations: readonly (readonly [string, (port: number) => readonly Said[]])[] = [
  ["a second hello", () => [[types.hello, 0, words(1, 0, 0, 1)]]],
  ["a goodbye before the guest's", () => [[types.goodbye, 0, none]]],
  ["connection 0", (port) => [open(port, 0)]],
  ["a number that is in use", (port) => [open(port), open(port)]],
  ["an open of three bytes", () => [[types.open, 1, new Uint8Array(3)]]],
  ["data for a number that is not in use", () => [[types.data, 1, none]]],
  ["credit for a number that is not in use", () => [[types.credit, 1, count(1)]]],
  ["data beyond the window", (p) => [open(p), [types.data, 1, new Uint8Array((16 << 10) + 1)]]],
  ["a payload over the cap", (p) => [open(p), [types.data, 1, new Uint8Array((64 << 10) + 1)]]],
  ["data behind the end", (p) => [open(p), [types.end, 1, none], [types.data, 1, none]]],
  ["a second end", (p) => [open(p), [types.end, 1, none], [types.end, 1, none]]],
  ["closed before both ends", (p) => [open(p), [types.closed, 1, none]]],
  ["a frame behind the final one", (p) => [open(p), [types.reset, 1, none], [types.end, 1, none]]],
  ["a window over the most there may be", (p) => [open(p), [types.credit, 1, count(2 ** 31)]]],
  ["what only the guest may say", (p) => [open(p), [types.opened, 1, none]]],
  ["a type that must be understood", () => [[0x82ff, 0, none]]],
];

test.each(violations)("%s ends the relay's process", async (_, said) => {
  const peer = await RelayPeer.start(program);
  const exited = once(peer.child, "exit");
  for (const [type, number, payload] of said(await serve(echo))) {
    peer.stream.write(encodeFrame(type, payload, number));
  }
  await exited;
  expect(await peer.close()).toBe(1);
});

test.each([
  ["another version", encodeFrame(types.hello, words(2, 0, 0, 1), 0)],
  ["something before hello", encodeFrame(types.end, none, 1)],
  ["a window over the most there may be", encodeFrame(types.hello, words(1, 0, 0, 0x8000), 0)],
])("a host that begins with %s ends the relay's process", async (_, bytes) => {
  const peer = new RelayPeer(program, { greets: false });
  const exited = once(peer.child, "exit");
  peer.stream.write(bytes);
  await exited;
  expect(await peer.close()).toBe(1);
});

test("a type that need not be understood is skipped, with all of its payload", async () => {
  const port = await serve(echo);
  const peer = await RelayPeer.start(program);
  peer.stream.write(encodeFrame(0x0201, Buffer.alloc(60_000, encodeFrame(types.end, none, 1)), 9));
  const connection = peer.open(port);
  await connection.send(Buffer.from("past it"));
  await connection.until(() => connection.text === "past it");
  expect(await peer.close()).toBe(0);
});
