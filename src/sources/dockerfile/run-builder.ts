import { WickError } from "../../errors/index.ts";
import { requireProgram, startProcess, throwIfAborted } from "../../host/index.ts";

/** How a builder is run. */
export interface BuilderRun {
  /** For the error: `Cannot <purpose>: buildah failed`. */
  readonly purpose: string;
  readonly env: Readonly<Record<string, string>>;
  readonly onLine: (line: string) => void;
  readonly signal: AbortSignal | undefined;
}

/** A builder puts its working containers away when it is asked to end. */
const GRACE_MS = 5000;
/** Lines of what it said that go into the error. */
const LAST_LINES = 12;
/** Builders open a descriptor a file here and there; VMMs' low bound is not for them. */
const OPEN_FILES = 65536;

/** Runs a builder to its end in a process group of its own; what it says goes to `onLine`. */
export async function runBuilder(
  name: string,
  args: readonly string[],
  { purpose, env, onLine, signal }: BuilderRun,
): Promise<void> {
  throwIfAborted(signal);
  const program = requireProgram(name, purpose);
  const child = await startProcess(program, args, {
    purpose,
    env,
    onLine,
    directory: "/", // a builder has no business in the user's
    openFiles: OPEN_FILES,
  });
  const stop = (): void => void child.stop({ graceMs: GRACE_MS });
  signal?.addEventListener("abort", stop, { once: true });
  if (signal?.aborted === true) stop();
  try {
    const { code, signal: ended } = await child.exited;
    throwIfAborted(signal);
    if (code === 0) return;
    const how = ended === null ? `failed with status ${code}` : `was ended by ${ended}`;
    const detail = child.outputTail().slice(-LAST_LINES);
    throw new WickError("TOOL_FAILED", `Cannot ${purpose}: ${name} ${how}`, { detail });
  } finally {
    signal?.removeEventListener("abort", stop);
  }
}
