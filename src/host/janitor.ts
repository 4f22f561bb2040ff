import { spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import type { Socket } from "node:net";
import { coverInherited } from "./descriptors.ts";
import { checkFault } from "./faults.ts";
import { makeTemporary, type TemporaryDirectory, temporaryPath } from "./temporary.ts";
import { toolEnvironment } from "./tool.ts";

const SHELL = "/bin/sh";

/** A pipe that only this process holds ends with it, and `read` with the pipe. */
const SWEEP = `read -r word; exec rm -rf -- "$1"`;

/**
 * Starts a shell that removes the directory when this process is gone, by SIGKILL too: a signal to
 * the whole group or terminal does not reach it, being in a session of its own. The result ends it.
 * Where it cannot be started, the next command's sweep is all that there is.
 */
function sweepWhenGone(directory: string): () => void {
  try {
    const pipe = startSweeper(["-c", SWEEP, "wick-janitor", directory]);
    return () => pipe?.destroy();
  } catch {
    return () => undefined;
  }
}

/** The pipe whose end it waits for; none where the process could not be made. */
function startSweeper(args: readonly string[]): Socket | null {
  checkFault("spawn", SHELL);
  const nothing = openSync("/dev/null", "r+");
  try {
    const child = spawn(SHELL, args, {
      stdio: coverInherited(["pipe", nothing, nothing], nothing),
      env: toolEnvironment(),
      cwd: "/",
      detached: true,
    });
    child.on("error", () => undefined).unref();
    const pipe = child.stdin as Socket | null;
    pipe?.on("error", () => undefined).unref();
    return pipe;
  } finally {
    closeSync(nothing);
  }
}

/**
 * A temporary directory that goes at once even when this process is killed: what removes it is
 * there before it is, so that no moment is left between the two.
 */
export function guardedDirectory(purpose: string, parent?: string): TemporaryDirectory {
  const path = temporaryPath(purpose, parent);
  const dismiss = sweepWhenGone(path);
  try {
    const directory = makeTemporary(path);
    return {
      path,
      [Symbol.dispose]() {
        directory[Symbol.dispose]();
        dismiss();
      },
    };
  } catch (error) {
    dismiss();
    throw error;
  }
}
