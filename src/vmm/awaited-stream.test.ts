import { createServer, connect, type Socket } from "node:net";
import { join } from "node:path";
import { type Duplex, PassThrough } from "node:stream";
import { expect, test } from "vitest";
import { temporaryDirectory } from "../../test/support/temporary-directory.ts";
import { AwaitedStream } from "./awaited-stream.ts";

/** Two ends of one real socket. */
async function socketPair(): Promise<{ ours: Socket; theirs: Socket; close: () => void }> {
  const path = join(temporaryDirectory(), "s");
  const server = createServer({ allowHalfOpen: true });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  const accepted = new Promise<Socket>((resolve) => server.once("connection", resolve));
  const theirs = connect({ path, allowHalfOpen: true });
  const ours = await accepted;
  return { ours, theirs, close: () => server.close() };
}

const closed = (stream: Duplex): Promise<void> =>
  new Promise((resolve) => (stream.destroyed ? resolve() : stream.once("close", resolve)));

test("what is written before the peer comes reaches it, whole and in order", async () => {
  const stream = new AwaitedStream();
  for (let i = 0; i < 100; i++) stream.write(Buffer.from(`${i} `));
  const { ours, theirs, close } = await socketPair();
  stream.attach(ours);
  stream.end("last");
  let text = "";
  for await (const chunk of theirs) text += String(chunk);
  expect(text).toBe(`${Array.from({ length: 100 }, (_, i) => `${i} `).join("")}last`);
  theirs.end();
  stream.resume();
  await closed(stream);
  close();
});

test("a slow reader of the stream holds its peer back and loses nothing", async () => {
  const stream = new AwaitedStream();
  const { ours, theirs, close } = await socketPair();
  const all = Buffer.alloc(8 << 20, 7);
  theirs.end(all);
  stream.attach(ours);
  let bytes = 0;
  for await (const chunk of stream) bytes += (chunk as Buffer).length;
  expect(bytes).toBe(all.length);
  stream.destroy();
  theirs.destroy();
  close();
});

test("without a peer the stream ends when it is given up, with what was written forgotten", async () => {
  const stream = new AwaitedStream();
  stream.write("nobody reads this");
  let ended = false;
  stream.on("data", () => expect.unreachable()).on("end", () => (ended = true));
  stream.giveUp();
  await closed(stream);
  expect(ended).toBe(true);
  const unread = new AwaitedStream();
  unread.giveUp();
  await closed(unread);
});

test("a second peer, and one that comes too late, is closed", async () => {
  const stream = new AwaitedStream();
  const [first, second, late] = [new PassThrough(), new PassThrough(), new PassThrough()];
  stream.attach(first);
  stream.attach(second);
  expect([first.destroyed, second.destroyed]).toEqual([false, true]);
  stream.destroy();
  await closed(first);
  stream.attach(late);
  expect(late.destroyed).toBe(true);
});
