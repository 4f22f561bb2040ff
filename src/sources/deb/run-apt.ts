import { isWickError, WickError } from "../../errors/index.ts";
import { pipeThroughTool } from "../../host/index.ts";
import { type Watched, watchStall } from "./stall.ts";

/** How a run of apt is named in errors, and stopped. */
export interface RunOptions {
  readonly purpose: string;
  /** Its working directory; the root by default. */
  readonly directory?: string;
  readonly signal: AbortSignal | undefined;
  /** Where it writes. */
  readonly watched: Watched;
}

/** Lines of apt's answer that explain broken dependencies, in the error. */
const EXPLAINED_LINES = 8;

/** Runs apt-get or apt-cache to its end and gives what it printed; its helpers end with it. */
export async function runApt(
  program: "apt-get" | "apt-cache",
  args: readonly string[],
  { purpose, directory, signal: ours, watched }: RunOptions,
): Promise<string> {
  const parts: Uint8Array[] = [];
  using watch = watchStall(watched);
  const signal = ours === undefined ? watch.signal : AbortSignal.any([ours, watch.signal]);
  const text = (): string => Buffer.concat(parts).toString();
  try {
    const output = pipeThroughTool(program, args, {
      purpose,
      signal,
      startsOthers: true,
      ...(directory === undefined ? {} : { directory }),
    });
    for await (const chunk of output) parts.push(chunk);
    return text();
  } catch (error) {
    throw isWickError(error, "TOOL_FAILED") ? explained(error, text()) : error;
  }
}

/** apt says why dependencies cannot be met where it also says what it does: on its stdout. */
function explained(error: WickError, output: string): WickError {
  const lines = output.split("\n");
  const start = lines.findIndex((line) => line.includes("unmet dependencies"));
  if (start === -1) return error;
  const detail = [...lines.slice(start, start + EXPLAINED_LINES), ...error.detail];
  return new WickError(error.code, error.message, { cause: error, detail });
}
