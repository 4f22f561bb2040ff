import { readFileSync, readdirSync } from "node:fs";

/** O_CLOEXEC in the octal `flags:` line of /proc/PID/fdinfo (proc(5)). */
const O_CLOEXEC = 0o2000000;

/**
 * Descriptors from 3 up that a child of ours would inherit. Node opens its own with
 * close-on-exec, but those that our parent left open in us pass through: libuv only marks
 * what it finds up to the first gap above 15.
 */
export function inheritableDescriptors(): number[] {
  try {
    return readdirSync("/proc/self/fd")
      .map(Number)
      .filter((fd) => fd > 2 && isInheritable(fd));
  } catch {
    return []; // no /proc: nothing can be told
  }
}

function isInheritable(fd: number): boolean {
  try {
    const flags = /^flags:\s*([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, "latin1"));
    return flags !== null && (Number.parseInt(flags[1]!, 8) & O_CLOEXEC) === 0;
  } catch {
    return false; // closed meanwhile: it was the directory being read
  }
}

/** One of a child's descriptors: one of ours, a new pipe, or what Node makes of "ignore". */
export type Stdio = "ignore" | "pipe" | number;

/** A child's descriptors, with `nothing` (/dev/null) over all others that it would inherit. */
export function coverInherited(own: readonly Stdio[], nothing: number): Stdio[] {
  const table = [...own];
  for (const fd of inheritableDescriptors()) {
    // "ignore" leaves a descriptor above 2 as it is.
    while (table.length < fd) table.push("ignore");
    if (fd >= table.length || table[fd] === "ignore") table[fd] = nothing;
  }
  return table;
}
