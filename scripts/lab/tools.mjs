/** What all of the lab shares: programs that run to their end, wick among them, and directories. */
import { spawn } from "node:child_process";
import { accessSync, constants, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../..", import.meta.url));

/** The command: its file in the lab is named by the lab. */
export const wickFile = process.env.LAB_WICK ?? join(root, "dist/bin/wick.cjs");

/** A directory to be removed by `remove`. */
export function temporaryDirectory() {
  const path = mkdtempSync(join(tmpdir(), "wick-lab-"));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** The path of a program of PATH; undefined when there is none. */
export function findProgram(name) {
  const directories = (process.env.PATH ?? "").split(":").filter((path) => path !== "");
  return directories.map((path) => join(path, name)).find(isProgram);
}

function isProgram(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Programs under way. */
const running = new Set();

/** Whoever ends the lab ends what it has started, which its clean-up waits for. */
export function passSignalsOn() {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
    process.on(signal, () => running.forEach((child) => child.kill(signal)));
  }
}

/** A started program: its output so far in `texts`, and `done` with how it ended. */
export function start(program, words, { timeoutMs = 300_000, ...options } = {}) {
  const child = spawn(program, words, { stdio: ["ignore", "pipe", "pipe"], ...options });
  const texts = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"]) {
    child[name].on("data", (bytes) => void (texts[name] += bytes.toString("latin1")));
  }
  running.add(child);
  const timer = setTimeout(() => child.kill("SIGKILL"), timeoutMs);
  const done = new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (status, signal) => resolve({ status, signal, ...texts }));
  }).finally(() => {
    running.delete(child);
    clearTimeout(timer);
  });
  return { child, texts, done };
}

/** Starts `wick`. */
export function startWick(words, options) {
  return start(process.execPath, [wickFile, ...words], options);
}

/** Runs `wick`, which must succeed. */
export async function wick(words, options) {
  const result = await startWick(words, options).done;
  if (result.status !== 0) throw new Error(`wick ${words.join(" ")}: ${result.stderr}`);
  return result;
}

/** The lines of `--json`, whatever the status. */
export async function wickJson(words) {
  const { stdout } = await startWick(words).done;
  return stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));
}
