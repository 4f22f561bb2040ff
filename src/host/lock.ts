import { spawn } from "node:child_process";
import { closeSync, constants, fstatSync, openSync, statSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { sanitise } from "../bytes/index.ts";
import { WickError } from "../errors/index.ts";
import { checkFault } from "./faults.ts";
import { throwIfAborted } from "./files.ts";
import { errnoOf, hostError } from "./host-error.ts";
import { requireProgram } from "./programs.ts";
import { toolEnvironment } from "./tool.ts";

/** How a file is locked. */
export interface LockOptions {
  /** Many may hold it `shared`, or one `exclusive`. */
  readonly mode: "shared" | "exclusive";
  readonly signal?: AbortSignal | undefined;
}

/** A lock that is held until it is disposed, or this process is gone, by whatever cause. */
export interface FileLock extends Disposable {
  readonly path: string;
  /** Whether the path still names the locked file, and not another one that came after it. */
  isCurrent(): boolean;
}

/** Nobody waits longer than this for a lock that has become free. */
const POLL_MAX_MS = 250;
const POLL_FIRST_MS = 10;

/**
 * Locks the file at `path`, which is made (0600) where missing; waits for those who hold it.
 * `onWait` is called once, when it must be waited for.
 */
export async function lockFile(
  path: string,
  options: LockOptions & { readonly onWait?: (() => void) | undefined },
): Promise<FileLock> {
  for (let waitMs = POLL_FIRST_MS, isFirst = true; ; waitMs = Math.min(2 * waitMs, POLL_MAX_MS)) {
    const lock = await tryLockFile(path, options);
    if (lock !== undefined) return lock;
    if (isFirst) options.onWait?.();
    isFirst = false;
    await sleep(waitMs);
  }
}

/** Locks the file at `path`; undefined when others hold it. */
export async function tryLockFile(
  path: string,
  options: LockOptions,
): Promise<FileLock | undefined> {
  for (;;) {
    throwIfAborted(options.signal);
    const fd = openForLock(path);
    try {
      if (!(await lockDescriptor(fd, path, options))) {
        closeSync(fd);
        return undefined;
      }
    } catch (error) {
      closeSync(fd);
      throw error;
    }
    if (isStillAt(path, fd)) return held(path, fd);
    // Whoever held it before took the name away, or gave it to another file.
    closeSync(fd);
  }
}

function held(path: string, descriptor: number): FileLock {
  let fd = descriptor;
  return {
    path,
    isCurrent: () => isStillAt(path, fd),
    [Symbol.dispose]() {
      if (fd >= 0) closeSync(fd);
      fd = -1;
    },
  };
}

function openForLock(path: string): number {
  const { O_RDWR, O_CREAT, O_NOFOLLOW } = constants;
  try {
    checkFault("open", path);
    return openSync(path, O_RDWR | O_CREAT | O_NOFOLLOW, 0o600);
  } catch (error) {
    throw hostError(error, `lock ${sanitise(path)}`);
  }
}

/** A lock on a file that has no name any more, or is not the named one, protects nothing. */
function isStillAt(path: string, fd: number): boolean {
  const mine = fstatSync(fd, { bigint: true });
  try {
    const now = statSync(path, { bigint: true });
    return now.ino === mine.ino && now.dev === mine.dev;
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return false;
    throw hostError(error, `look at ${sanitise(path)}`);
  }
}

/**
 * Node has no flock(2), but the lock belongs to the open file, which a child shares: util-linux's
 * flock locks it through its own descriptor 3 and ends; ours keeps the lock, and the kernel frees
 * it with the descriptor, SIGKILL included.
 */
async function lockDescriptor(fd: number, path: string, options: LockOptions): Promise<boolean> {
  const program = requireProgram("flock", `lock ${sanitise(path)}`);
  const mode = options.mode === "shared" ? "-s" : "-x";
  const { code, words } = await outcome(program, [mode, "-n", "3"], fd);
  if (code === 0) return true;
  // On a lock that others hold it ends with 1 and without a word.
  if (code === 1 && words === "") return false;
  throw new WickError(
    "UNSUPPORTED",
    `Cannot lock ${sanitise(path)}: the file system has no locks, or flock failed`,
    {
      hint: "name a cache on a local file system with WICK_CACHE",
      detail: words === "" ? [] : [sanitise(words)],
    },
  );
}

async function outcome(
  program: string,
  args: readonly string[],
  fd: number,
): Promise<{ readonly code: number | null; readonly words: string }> {
  try {
    checkFault("spawn", program);
  } catch (error) {
    throw hostError(error, "start flock");
  }
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      stdio: ["ignore", "ignore", "pipe", fd],
      env: toolEnvironment(),
      // The terminal's Ctrl-C is ours to handle.
      detached: true,
    });
    let words = "";
    // Without descriptors left there is no pipe, either: the error comes below.
    child.stderr?.on("data", (chunk: Buffer) => void (words += chunk.toString("latin1")));
    child.once("error", (error) => reject(hostError(error, "start flock")));
    child.once("close", (code) => resolve({ code, words: words.trim().slice(0, 400) }));
  });
}
