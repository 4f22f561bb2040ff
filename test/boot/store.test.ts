/** Machines that boot from the store's own images: what they keep, and what they leave. */
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import type { ImageRow } from "../../src/index.ts";
import { startWick, testCache, wick, type CliResult } from "../support/cli.ts";
import { ownProcesses } from "../support/processes.ts";
import { lastingDirectory } from "../support/temporary-directory.ts";

let cache: string;

/** A store of its own, with the package lists, packages and kernels that are there already. */
beforeAll(async () => {
  await wick(["run", "-q", "--entrypoint", "/usr/bin/busybox", SOURCE, "true"]);
  cache = join(lastingDirectory(), "cache");
  mkdirSync(cache);
  for (const part of ["apt", "debs", "kernels"]) {
    cpSync(join(testCache, part), join(cache, part), { recursive: true, mode: 0 });
  }
});

const SOURCE = "deb:busybox-static";
const env = (): NodeJS.ProcessEnv => ({ WICK_CACHE: cache });
const run = (...words: string[]): Promise<CliResult> => wick(words, { env: env() });
const shell = (line: string): string[] => {
  return ["run", "--entrypoint", "/usr/bin/busybox", SOURCE, "sh", "-c", line];
};

/** The one finished image. */
function image(): { path: string; sha256: string } {
  const keys = readdirSync(join(cache, "images"));
  expect(keys).toHaveLength(1);
  const path = join(cache, "images", keys[0]!, "root.image");
  return { path, sha256: createHash("sha256").update(readFileSync(path)).digest("hex") };
}

async function built(): Promise<readonly ImageRow["built"][number][]> {
  const { stdout } = await run("images", "--json");
  return stdout
    .split("\n")
    .filter((line) => line !== "")
    .flatMap((line) => (JSON.parse(line) as ImageRow).built);
}

test("S9 a machine that writes to its root leaves the store's image as it was, mode 0444", async () => {
  expect((await run(...shell("true"))).status).toBe(0);
  const before = image();
  expect(statSync(before.path).mode & 0o7777).toBe(0o444);
  const line = "echo changed > /usr/bin/new && dd if=/dev/zero of=/fill bs=1M count=20 && sync";
  for (const root of ["overlay", "copy"]) {
    const words = shell(line);
    const result = await run("run", "--root", root, ...words.slice(1));
    expect(result.status, result.stderr).toBe(0);
    expect(image()).toEqual(before);
  }
}, 180_000);

test("S6 what a machine runs from stays until it ends, whoever prunes or removes", async () => {
  const running = startWick(shell("echo up; sleep 100"), { env: env() });
  await running.shown("up");
  const before = image();
  const refused = await run("rmi", SOURCE);
  expect(refused.status).toBe(1);
  expect(refused.stderr).toContain("a running machine boots from it [IN_USE]");
  const { error } = JSON.parse((await run("rmi", "--json", SOURCE)).stderr);
  expect(error.code).toBe("IN_USE");
  expect((await run("prune", "-a", "-f")).status).toBe(0);
  expect(image()).toEqual(before);
  running.child.kill("SIGTERM");
  expect((await running.done).status).toBe(143);
  const pruned = await run("prune", "-a", "-f");
  expect(pruned.stdout).toMatch(/^Deleted: [0-9a-f]{64}\nTotal reclaimed space: [\d.]+ MiB\n$/);
  expect(await built()).toEqual([]);
});

test("S1 S7 after SIGKILL of a run and its janitor the next command sweeps its directory, and the image is free", async () => {
  const running = startWick(shell("echo up; sleep 100"), { env: env() });
  await running.shown("up");
  const left = readdirSync(tmpdir()).filter((name) => name.startsWith("wick-run-"));
  expect(left).toHaveLength(1);
  const isJanitor = ({ command }: { command: string }): boolean => command.includes("wick-janitor");
  process.kill(ownProcesses(tmpdir()).find(isJanitor)!.pid, "SIGKILL");
  running.child.kill("SIGKILL");
  await running.done;
  expect(existsSync(join(tmpdir(), left[0]!))).toBe(true);
  expect(await built()).toHaveLength(1);
  expect(readdirSync(tmpdir()).filter((name) => name.startsWith("wick-run-"))).toEqual([]);
  expect(readdirSync(join(cache, "tmp"))).toEqual([]);
  expect((await run("rmi", SOURCE)).status).toBe(0);
});
