import { PassThrough } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { ConsoleStream } from "./console-stream.ts";

test("what comes before the reader is kept up to 256 KiB, the rest counted as dropped", async () => {
  const source = new PassThrough();
  const stream = new ConsoleStream(source);
  for (let i = 0; i < 10; i++) source.write(Buffer.alloc(1 << 16, i));
  source.end();
  await sleep(10);
  let bytes = 0;
  for await (const chunk of stream) bytes += chunk.length;
  expect(bytes).toBe(1 << 18);
  expect(stream.droppedBytes).toBe(6 << 16);
});

test("a slow reader holds the source back and loses nothing", async () => {
  const source = new PassThrough({ highWaterMark: 1 << 16 });
  const stream = new ConsoleStream(source);
  const reader = stream[Symbol.asyncIterator]();
  const first = reader.next();
  let written = 0;
  while (source.write(Buffer.alloc(1 << 16)) && written < 1000) {
    written++;
    await sleep(0);
  }
  expect(written).toBeLessThan(10);
  source.end();
  let bytes = (await first).value!.length;
  for (let next = await reader.next(); next.done !== true; next = await reader.next()) {
    bytes += next.value.length;
  }
  expect(bytes).toBe((written + 1) << 16);
  expect(stream.droppedBytes).toBe(0);
});

test("a reader who leaves no longer holds the source back", async () => {
  const source = new PassThrough({ highWaterMark: 1 << 16 });
  const stream = new ConsoleStream(source);
  source.write("one");
  for await (const chunk of stream) {
    expect(Buffer.from(chunk).toString()).toBe("one");
    break;
  }
  for (let i = 0; i < 20; i++) {
    source.write(Buffer.alloc(1 << 16));
    await sleep(0);
  }
  expect(stream.droppedBytes).toBe(16 << 16);
});
