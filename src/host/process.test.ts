import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, expect, test } from "vitest";
import { AT_ONCE_MS } from "../../test/support/at-once.ts";
import { isAlive } from "../../test/support/processes.ts";
import { type ProcessOptions, startProcess } from "./process.ts";

const options: ProcessOptions = { purpose: "test the supervisor" };
const sh = (script: string, more: Partial<ProcessOptions> = {}) =>
  startProcess("/bin/sh", ["-c", script], { ...options, ...more });

const host = new URL("../../dist/host/process.js", import.meta.url).href;
const descriptors = new URL("../../dist/host/descriptors.js", import.meta.url).href;

const directories: string[] = [];
afterEach(() => {
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true });
});

test("a child's end and last words are told, made safe to show", async () => {
  const child = await sh("echo out; printf 'err \\033]0;title\\007\\n' >&2; exit 7");
  expect(await child.exited).toEqual({ code: 7, signal: null });
  expect(child.outputTail()).toEqual(["out", "err \\x1b]0;title\\x07"]);
});

test("of a long output only the last lines are kept, of a long line only its beginning", async () => {
  const child = await sh("yes line | head -n 100000; head -c 100000 /dev/zero | tr '\\0' x; echo");
  await child.exited;
  const tail = child.outputTail();
  expect(tail).toHaveLength(50);
  expect(tail.at(-1)).toBe("x".repeat(1024));
});

test("stop() asks first, and kills after the grace what does not listen", async () => {
  const polite = await sh("trap 'exit 3' TERM; while :; do sleep 0.05; done");
  await sleep(200);
  expect(await polite.stop({ graceMs: 5000 })).toEqual({ code: 3, signal: null });
  const deaf = await sh("trap '' TERM; while :; do sleep 0.05; done");
  await sleep(200);
  const start = performance.now();
  expect(await deaf.stop({ graceMs: 300 })).toEqual({ code: null, signal: "SIGKILL" });
  expect(performance.now() - start).toBeLessThan(10_000);
});

test("stop() ends what the child started too, and is content when all is gone", async () => {
  const child = await sh("sleep 100 & sleep 100");
  await sleep(100);
  expect(await child.stop({ graceMs: 0 })).toEqual({ code: null, signal: "SIGKILL" });
  expect(await child.stop({ graceMs: 1000 })).toEqual({ code: null, signal: "SIGKILL" });
});

test("V4 a child that was killed is dead, also while one of its own holds its output open", async () => {
  const child = await sh("sleep 100 & echo $!; sleep 0.2; kill -9 $$");
  const start = performance.now();
  expect(await child.exited).toEqual({ code: null, signal: "SIGKILL" });
  expect(performance.now() - start).toBeLessThan(20_000); // not the 100 s that it sleeps
  expect(existsSync(`/proc/${child.pid}`)).toBe(false);
  // Nobody else is signalled for it: not even its own.
  await child.stop({ graceMs: 1000 });
  const left = Number(child.outputTail()[0]);
  expect(isAlive(left)).toBe(true);
  process.kill(left, "SIGKILL");
});

test("a child gets /dev/null as stdin, a limit on descriptors, and only the listed environment", async () => {
  const child = await sh("readlink /proc/self/fd/0; ulimit -n; ulimit -Hn; env", {
    openFiles: 2048,
    env: { ADDED: "1" },
  });
  await child.exited;
  const [stdin, soft, hard, ...environment] = child.outputTail();
  expect([stdin, soft, hard]).toEqual(["/dev/null", "2048", "2048"]);
  const names = environment.map((line) => line.split("=")[0]);
  expect(names).toContain("ADDED");
  expect(names.filter((name) => name!.startsWith("VITEST"))).toEqual([]);
});

test.each(["kernel", "watcher"] as const)(
  "a child bound by the %s holds none of the descriptors that our parent left open",
  async (binding) => {
    const result = await inOwnProcess(
      `
      const child = await startProcess("/bin/sleep", ["100"], { purpose: "test", binding: "${binding}" });
      const { readdirSync, readlinkSync } = await import("node:fs");
      const directory = "/proc/" + child.pid + "/fd";
      await new Promise((resolve) => setTimeout(resolve, 200));
      console.log(JSON.stringify(readdirSync(directory).map((fd) => readlinkSync(directory + "/" + fd))));
      await child.stop({ graceMs: 0 });
    `,
      "exec 9</etc/passwd 40</etc/group 251</etc/hosts; ",
    );
    const targets = JSON.parse(result) as string[];
    expect(targets.filter((target) => target.startsWith("/etc/"))).toEqual([]);
    const others = targets.filter((target) => target !== "/dev/null");
    expect(others).toHaveLength(2);
    for (const target of others) expect(target).toMatch(/^socket:/);
  },
);

test("what a child would inherit is found among our own descriptors", async () => {
  const script = `
    const { inheritableDescriptors } = await import(${JSON.stringify(descriptors)});
    console.log(JSON.stringify(inheritableDescriptors()));`;
  const found = JSON.parse(await inOwnProcess(script, "exec 40</etc/group 99</etc/hosts;"));
  expect(found).toEqual(expect.arrayContaining([40, 99]));
});

test.each(["kernel", "watcher"] as const)(
  "V1 when we are killed outright, a child bound by the %s is gone at once",
  async (binding) => {
    const parent = await ownProcess(`
      const child = await startProcess("/bin/sleep", ["100"], { purpose: "test", binding: "${binding}" });
      console.log(child.pid);
      setInterval(() => {}, 1000);
    `);
    const pid = Number(await parent.firstLine);
    await sleep(200);
    expect(isAlive(pid)).toBe(true);
    parent.child.kill("SIGKILL");
    const start = performance.now();
    while (isAlive(pid) && performance.now() - start < AT_ONCE_MS) await sleep(20);
    expect(performance.now() - start).toBeLessThan(AT_ONCE_MS);
  },
);

test.each(["kernel", "watcher"] as const)(
  "when we end by ourselves, a child bound by the %s ends with us",
  async (binding) => {
    const pid = Number(
      await inOwnProcess(`
        const child = await startProcess("/bin/sleep", ["100"], { purpose: "test", binding: "${binding}" });
        console.log(child.pid);
        process.exit(0);
      `),
    );
    await sleep(200);
    expect(isAlive(pid)).toBe(false);
  },
);

test("a watcher leaves with its charge, and kills nobody afterwards", async () => {
  const child = await startProcess("/bin/sleep", ["0.2"], { ...options, binding: "watcher" });
  expect(await child.exited).toEqual({ code: 0, signal: null });
  // That the watcher is gone too is what the check after each test asserts.
});

test("a program that does not exist ends with the shell's status", async () => {
  const child = await startProcess("/nonexistent/vmm", [], options);
  expect((await child.exited).code).toBeGreaterThan(125);
});

/** Runs `script` in a Node of its own, started by a shell that first runs `before`. */
async function ownProcess(script: string, before = "") {
  const directory = mkdtempSync(join(tmpdir(), "t-"));
  directories.push(directory);
  const file = join(directory, "script.mjs");
  writeFileSync(file, `import { startProcess } from ${JSON.stringify(host)};\n${script}`);
  const child = spawn("bash", ["-c", `${before} exec "$0" "$1"`, process.execPath, file], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let text = "";
  const firstLine = new Promise<string>((resolve) => {
    child.stdout.on("data", (chunk: Buffer) => {
      text += chunk.toString();
      if (text.includes("\n")) resolve(text.split("\n")[0]!);
    });
    child.once("close", () => resolve(text.split("\n")[0]!));
  });
  const closed = new Promise((resolve) => child.once("close", resolve));
  return { child, firstLine, closed };
}

async function inOwnProcess(script: string, before = ""): Promise<string> {
  const { firstLine, closed } = await ownProcess(script, before);
  await closed;
  return firstLine;
}
