import { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import { readStandardInput } from "./stdin.ts";

async function text(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  let all = "";
  for await (const chunk of chunks) all += Buffer.from(chunk).toString();
  return all;
}

test("the standard input is read to its end", async () => {
  const stream = new PassThrough();
  stream.write("hel");
  stream.end("lo");
  expect(await text(readStandardInput(undefined, stream))).toBe("hello");
});

test("a terminal is refused with a way to do it", async () => {
  const terminal = Object.assign(new PassThrough(), { isTTY: true });
  await expect(text(readStandardInput(undefined, terminal))).rejects.toMatchObject({
    code: "USAGE",
    hint: expect.stringContaining("tar:-"),
  });
});

test("a read that waits for ever ends with the signal", async () => {
  const stop = new AbortController();
  const stream = new PassThrough();
  stream.write("begin");
  setTimeout(() => stop.abort(), 30);
  await expect(text(readStandardInput(stop.signal, stream))).rejects.toMatchObject({
    code: "INTERRUPTED",
  });
  await expect(text(readStandardInput(stop.signal, new PassThrough()))).rejects.toMatchObject({
    code: "INTERRUPTED",
  });
});
