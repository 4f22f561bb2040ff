/** What drills share: wick as a child, digests, what lies in a store, how an outcome is counted. */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { createReadStream, existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));
export const mainFile = `${root}dist/bin/wick.cjs`;
const preload = new URL("preload.mjs", import.meta.url).href;

/**
 * A started `wick` that may meet `faults`: `{child, texts, done}`, done `{status, signal, stdout,
 * stderr}`, texts what it has said so far.
 */
export function startWick(words, { cache, faults, env = {} }) {
  const armed = faults === undefined ? [] : ["--import", preload];
  const child = spawn(process.execPath, [...armed, mainFile, ...words], {
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      ...process.env,
      ...env,
      WICK_CACHE: cache,
      ...(faults && { DRILL_FAULTS: JSON.stringify(faults) }),
    },
  });
  const texts = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"]) {
    child[name].on("data", (chunk) => void (texts[name] += chunk));
  }
  const done = new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (status, signal) => resolve({ status, signal, ...texts }));
  });
  return { child, texts, done };
}

/** Runs `wick` to its end. */
export function wick(words, options) {
  return startWick(words, options).done;
}

export async function sha256(path) {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path)) hash.update(chunk);
  return hash.digest("hex");
}

/** Names in a directory; none where there is none. */
export function namesIn(directory) {
  return existsSync(directory) ? readdirSync(directory).sort() : [];
}

/** Bytes that all files below a directory take, locks and records of 64 KiB at most left out. */
export function usedBytes(directory) {
  if (!existsSync(directory)) return 0;
  return readdirSync(directory, { recursive: true })
    .map((name) => statSync(join(directory, name)))
    .filter((status) => status.isFile())
    .reduce((sum, status) => sum + status.blocks * 512, 0);
}

/** Numbers from 0 to 1 that follow from `seed` (mulberry32). */
export function random(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Counts what went well and keeps what did not. */
export class Outcome {
  points = 0;
  problems = [];

  /** One point of a drill; `problems` are sentences, none when it went well. */
  add(what, problems) {
    this.points++;
    for (const problem of problems) {
      this.problems.push(`${what}: ${problem}`);
      console.log(`  ${what}: ${problem}`);
    }
  }
}
