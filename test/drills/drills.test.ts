/** A part of each drill, always the same; `npm run drills` does them in full. */
import { fileURLToPath } from "node:url";
import { spawn } from "node:child_process";
import { expect, test } from "vitest";

const main = fileURLToPath(new URL("../../scripts/drills/main.mjs", import.meta.url));

/** Runs a drill to its end; what it printed, and its status. */
function drill(name: string): Promise<{ readonly status: number | null; readonly text: string }> {
  const child = spawn(process.execPath, [main, name, "--tenth"], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let text = "";
  child.stdout.on("data", (chunk: Buffer) => void (text += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => void (text += chunk.toString()));
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (status) => resolve({ status, text }));
  });
}

// How many moments a kill meets depends on how long the work takes: at least so many.
test.each([
  ["S1 drill 1, SIGKILL anywhere in pull, build and prune", "kill", 8],
  ["S5 drill 2, disks of too few bytes and inodes", "disk", 3],
  ["S4 drill 3, one call after the other fails", "failure", 20],
  ["V1 V2 drill 5, SIGKILL of wick, VMM and relay, booting and running", "death", 7],
] as const)(
  "%s: the next command does what it should, and nothing is left",
  async (_title, name, points) => {
    const { status, text } = await drill(name);
    expect(status, text).toBe(0);
    const done = /(\d+) points, 0 problems/.exec(text);
    expect(Number(done?.[1]), text).toBeGreaterThanOrEqual(points);
  },
  300_000,
);
