import { readFileSync, readdirSync } from "node:fs";

/** One process as /proc shows it; `key` survives the reuse of a pid. */
export interface SeenProcess {
  readonly pid: number;
  readonly parent: number;
  readonly key: string;
  readonly state: string;
  readonly command: string;
}

/**
 * Processes that this worker started: its descendants, and whatever was adopted by init but
 * names the worker's temporary directory in its arguments or environment.
 */
export function ownProcesses(marker: string): SeenProcess[] {
  const all = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((name) => seen(Number(name)))
    .filter((one) => one !== undefined);
  const ours = new Set([process.pid]);
  // A parent may have the greater pid, so go on until nothing is added.
  for (let size = 0; size !== ours.size;) {
    size = ours.size;
    for (const one of all) if (ours.has(one.parent)) ours.add(one.pid);
  }
  return all.filter(
    (one) => one.pid !== process.pid && (ours.has(one.pid) || isMarked(one.pid, marker)),
  );
}

/** Whether a process lives; a zombie is dead. */
export function isAlive(pid: number): boolean {
  const state = seen(pid)?.state;
  return state !== undefined && state !== "Z" && state !== "X";
}

function seen(pid: number): SeenProcess | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    // The name in parentheses may hold spaces and parentheses of its own: proc(5).
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const [state = "?", parent = "0"] = fields;
    const command = readFileSync(`/proc/${pid}/cmdline`, "latin1").replaceAll("\0", " ").trim();
    return { pid, parent: Number(parent), key: `${pid}@${fields[19]}`, state, command };
  } catch {
    return undefined; // gone meanwhile
  }
}

/** Set in the worker's environment before anything is started, so every child inherits it. */
function isMarked(pid: number, marker: string): boolean {
  return ["cmdline", "environ"].some((file) => {
    try {
      const text = readFileSync(`/proc/${pid}/${file}`, "latin1");
      return text.includes(`${marker}/`) || text.split("\0").includes(`TMPDIR=${marker}`);
    } catch {
      return false; // gone meanwhile, or another user's
    }
  });
}
