import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { tmpdir } from "node:os";
import { afterEach, expect, test } from "vitest";
import { ownProcesses } from "../../test/support/processes.ts";
import { temporaryDirectory } from "../../test/support/temporary-directory.ts";
import { setFaults } from "./faults.ts";
import { guardedDirectory } from "./janitor.ts";

const module = new URL("../../dist/host/janitor.js", import.meta.url).href;

afterEach(() => setFaults([]));

/** A process that does `script`, in a group of its own, and then lives on; what it printed. */
async function living(script: string): Promise<{ child: ChildProcess; printed: string }> {
  const text = `const { guardedDirectory } = await import(${JSON.stringify(module)});
    ${script}; setInterval(() => {}, 1000);`;
  const words = ["--input-type=module", "-e", text];
  const child = spawn(process.execPath, words, {
    stdio: ["ignore", "pipe", "inherit"],
    detached: true,
  });
  const [chunk] = (await once(child.stdout, "data")) as [Buffer];
  return { child, printed: chunk.toString().trim() };
}

async function until(holds: () => boolean): Promise<void> {
  for (const start = performance.now(); !holds() && performance.now() - start < 5000;) {
    await sleep(20);
  }
}

const janitors = (): number =>
  ownProcesses(tmpdir()).filter(({ command }) => command.includes("wick-janitor")).length;

test("V1 a guarded directory goes with a process that is killed, with its whole group", async () => {
  const { child, printed: path } = await living(`console.log(guardedDirectory("run").path)`);
  writeFileSync(join(path, "overlay"), "much");
  process.kill(-child.pid!, "SIGKILL");
  await until(() => !existsSync(path));
  expect(existsSync(path)).toBe(false);
});

test("V1 a process that is killed as it starts the janitor has made no directory yet", () => {
  const parent = temporaryDirectory();
  const script = `import processes from "node:child_process";
    import { syncBuiltinESMExports } from "node:module";
    processes.spawn = () => process.kill(process.pid, "SIGKILL");
    syncBuiltinESMExports();
    const { guardedDirectory } = await import(${JSON.stringify(module)});
    guardedDirectory("run", ${JSON.stringify(parent)});`;
  const ended = spawnSync(process.execPath, ["--input-type=module", "-e", script]);
  expect(ended.signal).toBe("SIGKILL");
  expect(readdirSync(parent)).toEqual([]);
});

test("with the directory its janitor goes, and without one the directory does all the same", async () => {
  const guarded = guardedDirectory("run");
  expect(janitors()).toBe(1);
  guarded[Symbol.dispose]();
  await until(() => janitors() === 0);
  expect(janitors()).toBe(0);
  setFaults([{ call: "spawn", pathPrefix: "/", nth: 1, errno: "EMFILE" }]);
  const alone = guardedDirectory("run");
  expect(janitors()).toBe(0);
  alone[Symbol.dispose]();
  expect(existsSync(alone.path)).toBe(false);
});
