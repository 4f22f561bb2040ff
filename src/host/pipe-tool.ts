import type { ChildProcess } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import { sanitise } from "../bytes/index.ts";
import { type ErrorCode, WickError } from "../errors/index.ts";
import { type BoundChild, signalGroup, startBound } from "./bound-child.ts";
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
  /** Added to the listed environment of child tools. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** Its working directory; "/" by default: a tool has no business in the user's. */
  readonly directory?: string;
}

/** How the child ended: exactly one of the two is not null. */
interface Ending {
  readonly status: number | null;
  readonly signalName: NodeJS.Signals | null;
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
  const { signal } = options;
  const child = await start(name, args, options);
  const stop = (): void => stopTool(child, options);
  const forget = undoAtExit(stop);
  signal?.addEventListener("abort", stop, { once: true });
  const ended = ending(child);
  const lastWords = tail(child.stderr);
  const feeding = feed(child.stdin!, options.input);
  feeding.failed.then(stop, stop);
  try {
    throwIfAborted(signal);
    yield* child.stdout as AsyncIterable<Uint8Array>;
    const how = await ended;
    if (feeding.error() !== undefined) throw feeding.error();
    if (how.status !== 0) throw toolFailure(name, how, lastWords(), options);
  } catch (error) {
    throwIfAborted(signal);
    if (feeding.error() !== undefined) throw feeding.error();
    throw error;
  } finally {
    stop();
    feeding.stop();
    await ended;
    signal?.removeEventListener("abort", stop);
    forget();
  }
}

async function start(
  name: string,
  args: readonly string[],
  { purpose, signal, directory = "/", startsOthers, env }: PipeToolOptions,
): Promise<BoundChild> {
  throwIfAborted(signal);
  const program = requireProgram(name, purpose);
  try {
    checkFault("spawn", program);
    return await startBound(program, args, {
      env: toolEnvironment(env),
      stdin: "pipe",
      directory,
      ownGroup: startsOthers === true,
    });
  } catch (error) {
    throw new WickError("TOOL_FAILED", `Cannot ${purpose}: ${name} could not be started`, {
      cause: error,
    });
  }
}

/** Ends the tool and the reading of it: a helper that outlives it may hold its pipes open. */
function stopTool(child: BoundChild, { startsOthers }: PipeToolOptions): void {
  if (startsOthers === true) signalGroup(child, "SIGKILL");
  else child.kill("SIGKILL");
  child.stdout.destroy();
  child.stderr.destroy();
}

function ending(child: ChildProcess): Promise<Ending> {
  return new Promise((resolve) => {
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
  { status, signalName }: Ending,
  detail: readonly string[],
  { purpose, failure }: PipeToolOptions,
): WickError {
  // A signal is not the input's fault, whatever the caller makes of a refusal.
  if (signalName !== null) {
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
