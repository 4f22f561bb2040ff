import { WickError, type Context } from "../index.ts";
import { catchInterruption } from "./interrupt.ts";
import { openProgress } from "./progress/choose.ts";
import type { OutputOptions } from "./shared-options.ts";

/** The context of a command that was not asked to show progress. */
export function quietContext(signal: AbortSignal): Context {
  return {
    environment: process.env,
    workingDirectory: currentDirectory(),
    signal,
    onEvent: () => undefined,
  };
}

function currentDirectory(): string {
  try {
    return process.cwd();
  } catch (cause) {
    throw new WickError(
      "SOURCE_NOT_FOUND",
      "Cannot tell where relative paths begin: the current directory was removed",
      { hint: "cd to a directory that is there", cause },
    );
  }
}

/** Runs `work` with progress on stderr and interruption by signals. */
export async function withProgress<T>(
  output: OutputOptions,
  work: (context: Context) => Promise<T>,
): Promise<T> {
  using interruption = catchInterruption();
  const progress = await openProgress(output.progress, output.quiet === true);
  try {
    return await work({ ...quietContext(interruption.signal), onEvent: progress.listener });
  } finally {
    progress.close();
  }
}
