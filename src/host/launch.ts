import { spawn } from "node:child_process";
import { findProgram } from "./programs.ts";

/** What the watcher must read before the death pipe closes, to let its charge be. */
export const RELEASE = "released\n";

/** A command that starts another one so that it dies with us. */
export interface Launch {
  readonly program: string;
  readonly args: readonly string[];
  /** Descriptor 3 must be a pipe that only we hold open. */
  readonly deathPipe: boolean;
}

/** What ends a child whose parent is gone: the kernel's parent-death signal, or a watching shell. */
export type DeathBinding = "kernel" | "watcher";

/** How a program is started. */
export interface LaunchOptions {
  /** RLIMIT_NOFILE, soft and hard, lowered only; ours when absent. */
  readonly openFiles?: number | undefined;
  /** By default "kernel", which becomes "watcher" where util-linux's setpriv is missing. */
  readonly binding?: DeathBinding | undefined;
}

/** Without setpriv a shell waits on the death pipe; `$$` is the program's pid, exec keeps it. */
const WATCH = `{ read -r word <&3 || kill -9 $$; } >/dev/null 2>&1 & exec 3<&-;`;

/** How to start `program` so that it does not outlive us. */
export async function launchCommand(
  program: string,
  args: readonly string[],
  { openFiles, binding = "kernel" }: LaunchOptions,
): Promise<Launch> {
  const setpriv = binding === "kernel" ? await workingSetpriv() : undefined;
  // The kernel itself kills the program when the thread that started it is gone.
  const bind = setpriv === undefined ? [] : [setpriv, "--pdeathsig", "KILL", "--"];
  const limit = openFiles === undefined ? "" : `ulimit -n ${openFiles} 2>/dev/null;`;
  const watch = setpriv === undefined ? WATCH : "";
  const shell =
    limit + watch === "" ? [] : ["/bin/sh", "-c", `${limit} ${watch} exec "$@"`, "wick"];
  const [first, ...rest] = [...shell, ...bind, program, ...args];
  return { program: first!, args: rest, deathPipe: setpriv === undefined };
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
