import { spawn } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { AT_ONCE_MS } from "../../test/support/at-once.ts";
import { isAlive } from "../../test/support/processes.ts";
import { temporaryDirectory } from "../../test/support/temporary-directory.ts";
import { pipeThroughTool, type PipeToolOptions } from "./pipe-tool.ts";

const built = new URL("../../dist/host/pipe-tool.js", import.meta.url).href;

async function outputOf(script: string, more: Partial<PipeToolOptions> = {}): Promise<string> {
  const chunks: Uint8Array[] = [];
  const options = { purpose: "test the pipe", ...more };
  for await (const chunk of pipeThroughTool("sh", ["-c", script], options)) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

test("a tool works in the root directory, or in the one it is given", async () => {
  const directory = temporaryDirectory();
  expect(await outputOf("pwd")).toBe("/\n");
  expect(await outputOf("pwd", { directory })).toBe(`${directory}\n`);
});

test("a tool's last words and its end are the error", async () => {
  await expect(outputOf("echo reason >&2; exit 3")).rejects.toMatchObject({
    code: "TOOL_FAILED",
    message: 'Cannot test the pipe: sh says "reason"',
  });
  await expect(outputOf("kill -9 $$")).rejects.toThrow("sh was ended by SIGKILL");
});

test("a helper that outlives its tool and holds the pipe does not hold us", async () => {
  const stop = new AbortController();
  const file = join(temporaryDirectory(), "pids");
  const pids = (): number[] =>
    existsSync(file) ? readFileSync(file, "latin1").trim().split(" ").map(Number) : [];
  const script = `sleep 100 & echo $$ $! > '${file}'`;
  const waiting = outputOf(script, { startsOthers: true, signal: stop.signal });
  const isAlone = (): boolean => pids().length === 2 && !isAlive(pids()[0]!);
  await expect.poll(isAlone, { timeout: AT_ONCE_MS }).toBe(true);
  stop.abort();
  await expect(waiting).rejects.toMatchObject({ code: "INTERRUPTED" });
  process.kill(pids()[1]!, "SIGKILL");
});

test("when we are killed outright, a tool that leads a group of its own goes too", async () => {
  const file = join(temporaryDirectory(), "script.mjs");
  writeFileSync(
    file,
    `import { pipeThroughTool } from ${JSON.stringify(built)};
     const options = { purpose: "test", startsOthers: true };
     const script = "echo $$; exec sleep 100";
     for await (const chunk of pipeThroughTool("sh", ["-c", script], options)) {
       process.stdout.write(chunk);
     }`,
  );
  const parent = spawn(process.execPath, [file], { stdio: ["ignore", "pipe", "inherit"] });
  const pid = await new Promise<number>((resolve) => {
    parent.stdout.once("data", (chunk: Buffer) => resolve(Number(chunk.toString())));
  });
  expect(isAlive(pid)).toBe(true);
  parent.kill("SIGKILL");
  const start = performance.now();
  while (isAlive(pid) && performance.now() - start < AT_ONCE_MS) await sleep(20);
  expect(performance.now() - start).toBeLessThan(AT_ONCE_MS);
});
