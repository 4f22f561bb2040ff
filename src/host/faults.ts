/**
 * The fault seam: tests make the n-th call of one kind below a path prefix fail.
 * host/ is the only room that touches the machine, so this one table reaches every failure.
 */

/** Calls that can be made to fail. */
export type HostCall =
  | "open"
  | "read"
  | "write"
  | "fsync"
  | "rename"
  | "unlink"
  | "mkdir"
  | "stat"
  | "readdir"
  | "spawn"
  | "connect"
  | "listen";

/**
 * One row: the `nth` matching call (1 is the first) fails with `errno`; `persistent`: all later
 * ones too. With SIGKILL the process ends there instead, as by a power cut of its own.
 */
export interface Fault {
  readonly call: HostCall;
  readonly pathPrefix: string;
  readonly nth: number;
  readonly errno:
    "EIO" | "ENOSPC" | "EDQUOT" | "EACCES" | "EMFILE" | "EROFS" | "ENOENT" | "SIGKILL";
  readonly persistent?: boolean;
}

let armed: { fault: Fault; seen: number }[] = [];

/** Arms `faults` in place of all earlier ones; an empty list disarms. */
export function setFaults(faults: readonly Fault[]): void {
  armed = faults.map((fault) => ({ fault, seen: 0 }));
}

/** Called by every host function before it acts; throws what the kernel would. */
export function checkFault(call: HostCall, path: string): void {
  for (const row of armed) {
    if (row.fault.call !== call || !path.startsWith(row.fault.pathPrefix)) continue;
    row.seen++;
    const { nth, persistent, errno } = row.fault;
    if (row.seen === nth || (persistent === true && row.seen > nth)) {
      if (errno === "SIGKILL") process.kill(process.pid, errno);
      throw Object.assign(new Error(`${errno}: injected, ${call} '${path}'`), {
        code: errno,
        syscall: call,
        path,
      });
    }
  }
}
