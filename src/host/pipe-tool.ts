import { type ChildProcess, spawn } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import { sanitise } from "../bytes/index.ts";
import { type ErrorCode, WickError } from "../errors/index.ts";
import { undoAtExit } from "./cleanup.ts";
import { checkFault } from "./faults.ts";
import { throwIfAborted } from "./files.ts";
import { requireProgram } from "./programs.ts";
import { toolEnvironment } from "./tool.ts";

/** What `pipeThroughTool` is told beside the program and its arguments. */
export interface PipeToolOptions {
  /** For the error: `Cannot <purpose>: xz failed`. */
  readonly purpose: string;
  /** The tool's stdin, read only as fast as the tool takes it; none: an empty one. */
  readonly input?: AsyncIterable<Uint8Array>;
  readonly signal?: AbortSignal | undefined;
  /** The code when the tool refuses its input; TOOL_FAILED by default. */
  readonly failure?: ErrorCode;
  /** The tool starts processes of its own (apt does): stopping it ends them all. */
  readonly startsOthers?: boolean;
}

/** How the child ended; `error` when it never began. */
interface Ending {
  readonly status?: number | null;
  readonly signalName?: NodeJS.Signals | null;
  readonly error?: Error;
}

/** Bytes of a tool's stderr that are kept: its last words. */
const STDERR_BYTES = 4096;
const STDERR_LINES = 12;

/**
 * Runs a program as a filter and yields its stdout, with back-pressure both ways. The child is
 * gone when the iteration ends, however it ends: to the end, by `break`, an error or `signal`.
 */
export async function* pipeThroughTool(
  name: string,
  args: readonly string[],
  options: PipeToolOptions,
): AsyncGenerator<Uint8Array> {
  const { purpose, signal } = options;
  throwIfAborted(signal);
  const program = requireProgram(name, purpose);
  checkFault("spawn", program);
  // In "/": a tool has no business in the user's directory.
  const child = spawn(program, [...args], {
    stdio: "pipe",
    env: toolEnvironment(),
    cwd: "/",
    detached: options.startsOthers === true,
  });
  const kill = (): void => killTool(child, options);
  const forget = undoAtExit(kill);
  signal?.addEventListener("abort", kill, { once: true });
  const ended = ending(child);
  const lastWords = tail(child.stderr);
  const feeding = feed(child.stdin, options.input);
  feeding.failed.then(kill, kill);
  try {
    yield* child.stdout as AsyncIterable<Uint8Array>;
    const how = await ended;
    throwIfAborted(signal);
    if (feeding.error() !== undefined) throw feeding.error();
    if (how.status !== 0) throw toolFailure(name, how, lastWords(), options);
  } catch (error) {
    throwIfAborted(signal);
    throw error;
  } finally {
    kill();
    feeding.stop();
    child.stdout.destroy();
    await ended;
    signal?.removeEventListener("abort", kill);
    forget();
  }
}

/** A detached child leads a process group of its own, named by its negative pid (kill(2)). */
function killTool(child: ChildProcess, { startsOthers }: PipeToolOptions): void {
  if (startsOthers !== true || child.pid === undefined) {
    child.kill("SIGKILL");
    return;
  }
  // Once reaped, its pid may be another's: the group is only signalled while its leader lives.
  if (child.exitCode !== null || child.signalCode !== null) return;
  try {
    process.kill(-child.pid, "SIGKILL");
  } catch {
    // Gone already.
  }
}

function ending(child: ChildProcess): Promise<Ending> {
  return new Promise((resolve) => {
    child.once("error", (error) => resolve({ error }));
    child.once("close", (status, signalName) => resolve({ status, signalName }));
  });
}

/** Collects the end of a tool's stderr. */
function tail(stderr: Readable): () => string[] {
  let kept = Buffer.alloc(0);
  stderr.on("data", (chunk: Buffer) => {
    kept = Buffer.concat([kept, chunk]).subarray(-STDERR_BYTES);
  });
  return () =>
    kept
      .toString()
      .split("\n")
      .filter((line) => line.trim() !== "")
      .slice(-STDERR_LINES)
      .map(sanitise);
}

interface Feeding {
  /** Settles only when the input itself fails. */
  readonly failed: Promise<void>;
  error(): unknown;
  /** Ends the reading of the input; not waited for, since the input may wait for ever. */
  stop(): void;
}

/** Writes the input to the tool. A tool that reads no further is no error here: its status tells. */
function feed(stdin: Writable, input: AsyncIterable<Uint8Array> | undefined): Feeding {
  let problem: unknown;
  stdin.on("error", () => undefined);
  const iterator = input?.[Symbol.asyncIterator]();
  const failed = new Promise<void>((resolve) => {
    writeAll(stdin, iterator).catch((error: unknown) => {
      problem = error;
      resolve();
    });
  });
  return {
    failed,
    error: () => problem,
    stop() {
      stdin.destroy();
      iterator?.return?.().catch(() => undefined);
    },
  };
}

async function writeAll(
  stdin: Writable,
  iterator: AsyncIterator<Uint8Array> | undefined,
): Promise<void> {
  let next = await iterator?.next();
  while (next !== undefined && next.done !== true && !stdin.destroyed) {
    if (!stdin.write(next.value)) await writable(stdin);
    next = await iterator?.next();
  }
  stdin.end();
}

/** Until the pipe takes more, or nobody reads it any more. */
function writable(stdin: Writable): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      stdin.off("drain", done);
      stdin.off("close", done);
      resolve();
    };
    stdin.once("drain", done);
    stdin.once("close", done);
    if (stdin.destroyed) done();
  });
}

function toolFailure(
  name: string,
  { status, signalName, error }: Ending,
  detail: readonly string[],
  { purpose, failure }: PipeToolOptions,
): WickError {
  if (error !== undefined) {
    return new WickError("TOOL_FAILED", `Cannot ${purpose}: ${name} could not be started`, {
      cause: error,
    });
  }
  // A signal is not the input's fault, whatever the caller makes of a refusal.
  if (signalName !== null && signalName !== undefined) {
    return new WickError("TOOL_FAILED", `Cannot ${purpose}: ${name} was ended by ${signalName}`, {
      detail,
    });
  }
  const said = detail.at(-1);
  const words = said === undefined ? `failed with status ${status}` : `says "${said}"`;
  return new WickError(failure ?? "TOOL_FAILED", `Cannot ${purpose}: ${name} ${words}`, {
    detail,
  });
}
