import type { Context } from "../index.ts";
import { catchInterruption } from "./interrupt.ts";
import { openProgress } from "./progress/choose.ts";
import type { OutputOptions } from "./shared-options.ts";

/** The context of a command that was not asked to show progress. */
export function quietContext(signal: AbortSignal): Context {
  return {
    environment: process.env,
    workingDirectory: process.cwd(),
    signal,
    onEvent: () => undefined,
  };
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
