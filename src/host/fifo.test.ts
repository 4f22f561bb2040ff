import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { expect, test } from "vitest";
import { temporaryDirectory } from "../../test/support/temporary-directory.ts";
import { readChunks } from "./index.ts";

function fifo(): string {
  const path = join(temporaryDirectory(), "fifo");
  execFileSync("mkfifo", [path]);
  return path;
}

async function textOf(path: string, signal?: AbortSignal): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of readChunks(path, signal)) chunks.push(chunk);
  return Buffer.concat(chunks).toString("latin1");
}

test("a FIFO is read to the end of what its late, slow writer says", async () => {
  const path = fifo();
  const script = 'sleep 0.2; exec > "$0"; echo one; sleep 0.2; head -c 300000 /dev/zero; echo two';
  const writer = spawn("sh", ["-c", script, path]);
  const ended = once(writer, "exit");
  const text = await textOf(path);
  await ended;
  expect([text.length, text.slice(0, 4), text.slice(-4)]).toEqual([300_008, "one\n", "two\n"]);
});

test("a FIFO that nobody writes to is given up by the signal", async () => {
  const abort = new AbortController();
  setTimeout(() => abort.abort(), 50);
  await expect(textOf(fifo(), abort.signal)).rejects.toMatchObject({ code: "INTERRUPTED" });
});

test("the FIFO's end is left to others when its reader has enough", async () => {
  const path = fifo();
  const writer = spawn("sh", ["-c", 'trap "" PIPE; echo first > "$0"; exec sleep 100', path]);
  for await (const chunk of readChunks(path)) {
    expect(Buffer.from(chunk).toString()).toBe("first\n");
    break;
  }
  writer.kill();
  await once(writer, "exit");
});
