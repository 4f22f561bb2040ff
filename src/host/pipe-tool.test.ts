import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
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
  const { signal } = stop;
  setTimeout(() => stop.abort(), 100);
  const start = performance.now();
  const waiting = outputOf("sleep 1 & exit 0", { startsOthers: true, signal });
  await expect(waiting).rejects.toMatchObject({ code: "INTERRUPTED" });
  expect(performance.now() - start).toBeLessThan(900);
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
  while (isAlive(pid) && performance.now() - start < 5000) await sleep(20);
  expect(performance.now() - start).toBeLessThan(2000);
});
