import type { SubprocessError } from "nano-spawn";
import { sanitise } from "../bytes/index.ts";
import { WickError } from "../errors/index.ts";
import { checkFault } from "./faults.ts";
import { throwIfAborted } from "./files.ts";
import { requireProgram } from "./programs.ts";

/** The listed environment of child tools: nothing else of the user's reaches them. */
const PASSED_ON = [
  "PATH",
  "HOME",
  "TMPDIR",
  "LANG",
  "SSL_CERT_FILE",
  "http_proxy",
  "https_proxy",
  "no_proxy",
  "HTTP_PROXY",
  "HTTPS_PROXY",
  "NO_PROXY",
] as const;

/** Lines of a failed tool's stderr that go into the error. */
const STDERR_LINES = 12;

export interface ToolOptions {
  /** For the error: `Cannot <purpose>: apt-get failed`. */
  readonly purpose: string;
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
}

/** What a child tool is given of our environment, plus `extra`. */
export function toolEnvironment(
  extra: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const passed = PASSED_ON.map((name) => [name, process.env[name]] as const);
  return {
    ...Object.fromEntries(
      passed.filter((pair): pair is [(typeof PASSED_ON)[number], string] => pair[1] !== undefined),
    ),
    LC_ALL: "C.UTF-8",
    ...extra,
  };
}

/** Runs a program to its end and gives its stdout; text only. */
export async function runTool(
  name: string,
  args: readonly string[],
  options: ToolOptions,
): Promise<string> {
  const program = requireProgram(name, options.purpose);
  try {
    checkFault("spawn", program);
    // Only what runs a tool pays for loading it.
    const { default: spawn } = await import("nano-spawn");
    const result = await spawn(program, [...args], {
      stdin: "ignore",
      // nano-spawn adds its env to ours: the listed one must replace it.
      env: { ...blank(), ...toolEnvironment(options.env) },
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
    return result.stdout;
  } catch (error) {
    throwIfAborted(options.signal);
    throw toolError(name, error, options.purpose);
  }
}

function blank(): Record<string, undefined> {
  return Object.fromEntries(Object.keys(process.env).map((name) => [name, undefined]));
}

function toolError(name: string, error: unknown, purpose: string): WickError {
  if (error instanceof WickError) return error;
  const failed =
    error instanceof Error && error.name === "SubprocessError"
      ? (error as SubprocessError)
      : undefined;
  const how =
    failed?.exitCode !== undefined
      ? `failed with status ${failed.exitCode}`
      : failed?.signalName !== undefined
        ? `was ended by ${failed.signalName}`
        : "could not be started";
  const lines = (failed?.stderr ?? "").split("\n").filter((line) => line.trim() !== "");
  return new WickError("TOOL_FAILED", `Cannot ${purpose}: ${name} ${how}`, {
    cause: error,
    detail: lines.slice(-STDERR_LINES).map(sanitise),
  });
}
