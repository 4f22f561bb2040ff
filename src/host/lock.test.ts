import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { lockFile, tryLockFile } from "./lock.ts";

let directory: string;
let path: string;
const PATH = process.env["PATH"];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "lock-"));
  path = join(directory, "file");
});

afterEach(() => {
  process.env["PATH"] = PATH;
  rmSync(directory, { recursive: true });
});

const exclusive = { mode: "exclusive" } as const;
const shared = { mode: "shared" } as const;

test("of two one gets an exclusive lock, and the other once it is given up", async () => {
  const first = await tryLockFile(path, exclusive);
  expect(first?.path).toBe(path);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(await tryLockFile(path, exclusive)).toBeUndefined();
  expect(await tryLockFile(path, shared)).toBeUndefined();
  first![Symbol.dispose]();
  using second = await tryLockFile(path, exclusive);
  expect(second).toBeDefined();
});

test("many share a lock, and nobody has it alone meanwhile", async () => {
  using one = await tryLockFile(path, shared);
  using two = await tryLockFile(path, shared);
  expect([one, two]).not.toContain(undefined);
  expect(await tryLockFile(path, exclusive)).toBeUndefined();
});

test("who waits is told so once, gets the lock when it is free, and can give up waiting", async () => {
  const holder = (await tryLockFile(path, exclusive))!;
  let waits = 0;
  const interrupted = new AbortController();
  const givenUp = lockFile(path, { ...exclusive, signal: interrupted.signal });
  const waiting = lockFile(path, { ...exclusive, onWait: () => waits++ });
  setTimeout(() => interrupted.abort(), 50);
  await expect(givenUp).rejects.toMatchObject({ code: "INTERRUPTED" });
  holder[Symbol.dispose]();
  using lock = await waiting;
  expect(lock.path).toBe(path);
  expect(waits).toBe(1);
});

test("a lock on a file that lost its name meanwhile is none: the named file is locked", async () => {
  const holder = (await tryLockFile(path, exclusive))!;
  const waiting = lockFile(path, exclusive);
  rmSync(path);
  holder[Symbol.dispose]();
  using lock = await waiting;
  expect(lock.path).toBe(path);
  expect(existsSync(path)).toBe(true);
  expect(await tryLockFile(path, exclusive)).toBeUndefined();
});

/** A process of its own that holds the lock until it is killed. */
async function otherHolder(): Promise<ChildProcess> {
  const module = fileURLToPath(new URL("../../dist/host/lock.js", import.meta.url));
  const script = `const { lockFile } = await import(${JSON.stringify(module)});
    await lockFile(process.argv[1], { mode: "exclusive" });
    console.log("held");
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script, path], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(child.stdout!, "data");
  return child;
}

test("S7 the kernel frees the lock of a holder that is killed, and no pid is asked", async () => {
  const child = await otherHolder();
  expect(await tryLockFile(path, exclusive)).toBeUndefined();
  child.kill("SIGKILL");
  await once(child, "exit");
  using lock = await tryLockFile(path, exclusive);
  expect(lock).toBeDefined();
  expect(statSync(path).size).toBe(0);
});

test("S7 a flock that fails is an error with what it said, and never a lock", async () => {
  writeFileSync(join(directory, "flock"), "#!/bin/sh\necho No locks available >&2\nexit 71\n", {
    mode: 0o755,
  });
  process.env["PATH"] = `${directory}:${PATH}`;
  await expect(tryLockFile(path, exclusive)).rejects.toMatchObject({
    code: "UNSUPPORTED",
    detail: ["No locks available"],
  });
});

test("a planted link is not followed", async () => {
  symlinkSync(join(directory, "elsewhere"), path);
  await expect(tryLockFile(path, exclusive)).rejects.toThrow(/Cannot lock/);
  expect(existsSync(join(directory, "elsewhere"))).toBe(false);
});
