import { spawn } from "node:child_process";
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { footprint, leaks, type Leak } from "./leaks.ts";

const root = tmpdir();

async function plantedLeaks(plant: () => void | Promise<void>): Promise<Leak[]> {
  const before = footprint(root);
  await plant();
  return leaks(root, before, 200);
}

test("leaks() finds and ends a child that is left running", async () => {
  const left = await plantedLeaks(() => void spawn("sleep", ["100"], { stdio: "ignore" }));
  expect(left.map(({ kind, what }) => `${kind} ${what}`)).toEqual([
    expect.stringMatching(/^process \d+ \(\w\) sleep 100$/),
  ]);
  left[0]!.undo();
});

test("leaks() finds and ends a process that init has adopted", async () => {
  const left = await plantedLeaks(
    () =>
      void spawn("setsid", ["sh", "-c", "sleep 101 & exit 0"], { stdio: "ignore", detached: true }),
  );
  expect(left).toHaveLength(1);
  expect(left[0]!.what).toContain("sleep 101");
  left[0]!.undo();
});

test("leaks() finds a socket in the temporary directory and a listening port", async () => {
  const servers: Server[] = [];
  const listen = (where: string | { port: number; host: string }): Promise<void> =>
    new Promise((resolve) => servers.push(createServer().listen(where, resolve)));
  const left = await plantedLeaks(async () => {
    await listen(join(root, "s.sock"));
    await listen({ port: 0, host: "127.0.0.1" });
  });
  expect(left.map(({ kind }) => kind)).toEqual(["socket", "socket"]);
  for (const server of servers) await new Promise((resolve) => server.close(resolve));
});

test("leaks() finds and removes a temporary directory and a half-published file", async () => {
  const directory = mkdtempSync(join(root, "mine-"));
  const left = await plantedLeaks(() => {
    mkdirSync(join(root, "wick-x-123"));
    writeFileSync(join(directory, ".a.ext4.wick-00aa.tmp"), "");
    writeFileSync(join(directory, "an ordinary file"), "");
  });
  expect(left.map(({ what }) => what.slice(root.length)).sort()).toEqual([
    expect.stringMatching(/^\/mine-.*\.tmp$/),
    "/wick-x-123",
  ]);
  for (const leak of left) leak.undo();
  expect(existsSync(join(root, "wick-x-123"))).toBe(false);
  rmSync(directory, { recursive: true });
});

test("leaks() finds a file that stays open", async () => {
  const path = join(root, "open");
  let fd = -1;
  const left = await plantedLeaks(() => void (fd = openSync(path, "w")));
  expect(left.map(({ what }) => what)).toEqual([`${fd} open on ${path}`]);
  closeSync(fd);
  rmSync(path);
});

test("leaks() accuses nobody of what was there before", async () => {
  const child = spawn("sleep", ["102"], { stdio: "ignore" });
  expect(await plantedLeaks(() => {})).toEqual([]);
  child.kill("SIGKILL");
});
