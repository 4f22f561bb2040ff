/** Runs a shell command; gives its wall time and the peak resident memory of its largest process. */
import { spawn } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";

/**
 * How often /proc is looked at, in `ms`. VmHWM is a high-water mark, so little is missed; looking
 * every 10 ms took most of a core away from what was measured.
 */
const SAMPLE_EVERY_MS = 200;

/** `VmHWM` of a process in KiB; 0 when it is gone. */
function peakOf(pid) {
  try {
    return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0);
  } catch {
    return 0;
  }
}

function groupMembers(group) {
  return readdirSync("/proc").filter((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    try {
      return (
        Number(readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1].split(" ")[2]) === group
      );
    } catch {
      return false;
    }
  });
}

/** Node reads these certificates at every start, for 0.06 s, where they are set: few users have. */
const { NODE_EXTRA_CA_CERTS: _, ...env } = process.env;

/** `{seconds, peakMiB}` of `command`, run by sh; throws when it fails. */
export async function measure(command) {
  const start = performance.now();
  const child = spawn("sh", ["-c", command], {
    stdio: ["ignore", "ignore", "inherit"],
    detached: true,
    env,
  });
  let peak = 0;
  const timer = setInterval(() => {
    for (const pid of groupMembers(child.pid)) peak = Math.max(peak, peakOf(pid));
  }, SAMPLE_EVERY_MS);
  const code = await new Promise((resolve, reject) =>
    child.on("exit", resolve).on("error", reject),
  );
  clearInterval(timer);
  if (code !== 0) throw new Error(`${command} ended with ${code}`);
  return { seconds: (performance.now() - start) / 1000, peakMiB: Math.round(peak / 1024) };
}

/** The median of `values`. */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}
