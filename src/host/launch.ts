import { spawn } from "node:child_process";
import { findProgram } from "./programs.ts";

/** What the watcher must read before the death pipe closes, to let its charge be. */
export const RELEASE = "released\n";

/** A command that starts another one so that it dies with us. */
export interface Launch {
  readonly program: string;
  readonly args: string[];
  /** Descriptor 3 must be a pipe that only we hold open. */
  readonly deathPipe: boolean;
}

const LIMIT = 'ulimit -n "$1" 2>/dev/null; shift;';

/** The kernel itself kills the program when the thread that started it is gone. */
const BY_KERNEL = `${LIMIT} exec "$@"`;

/** Without setpriv a shell waits on the death pipe; `$$` is the program's pid, exec keeps it. */
const BY_WATCHER = `${LIMIT} { read -r word <&3 || kill -9 $$; } >/dev/null 2>&1 & exec 3<&-; exec "$@"`;

/** What ends a child whose parent is gone: the kernel's parent-death signal, or a watching shell. */
export type DeathBinding = "kernel" | "watcher";

/** How to start `program` with at most `openFiles` descriptors so that it does not outlive us. */
export async function launchCommand(
  program: string,
  args: readonly string[],
  options: { readonly openFiles: number; readonly binding: DeathBinding },
): Promise<Launch> {
  const setpriv = options.binding === "kernel" ? await workingSetpriv() : undefined;
  const script = setpriv === undefined ? BY_WATCHER : BY_KERNEL;
  const bind = setpriv === undefined ? [] : [setpriv, "--pdeathsig", "KILL", "--"];
  return {
    program: "/bin/sh",
    args: ["-c", script, "wick", String(options.openFiles), ...bind, program, ...args],
    deathPipe: setpriv === undefined,
  };
}

let setprivWorks: Promise<boolean> | undefined;

/** util-linux's setpriv (2.33 or later); busybox's of the same name cannot do it. */
async function workingSetpriv(): Promise<string | undefined> {
  const found = findProgram("setpriv");
  if (found === undefined) return undefined;
  setprivWorks ??= new Promise((resolve) => {
    const probe = spawn(found, ["--pdeathsig", "KILL", "--", "true"], { stdio: "ignore" });
    probe.once("error", () => resolve(false));
    probe.once("exit", (code) => resolve(code === 0));
  });
  return (await setprivWorks) ? found : undefined;
}
