/** For tests: a command line and how much memory it took. */
import { readFileSync } from "node:fs";
import { startWick, type CliOptions, type CliResult } from "./cli.ts";

/** Most memory that a process had, in bytes, as long as it can be asked. */
function peakMemory(pid: number): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}

/** Runs `wick` to its end, and says how much memory it had at most. */
export async function watched(
  words: readonly string[],
  options: CliOptions = {},
): Promise<{ result: CliResult; peak: number }> {
  const started = startWick(words, options);
  let peak = 0;
  const timer = setInterval(() => (peak = Math.max(peak, peakMemory(started.child.pid!))), 20);
  const result = await started.done;
  clearInterval(timer);
  return { result, peak };
}
