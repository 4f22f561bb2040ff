import { spawn, type ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** The compiled command line, as users have it. */
export const mainFile = `${root}dist/bin/wick.cjs`;

/** Packages, kernels and lists are kept between tests and runs. */
export const testCache = `${root}build/test-cache`;

export interface CliResult {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CliOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Words before `node`: `setpriv --reuid=65534 …`. */
  readonly prefix?: readonly string[];
  readonly stdin?: Uint8Array;
  readonly main?: string;
}

/** A started `wick`, to be signalled or read from while it runs. */
export interface StartedCli {
  readonly child: ChildProcess;
  readonly done: Promise<CliResult>;
  /** Resolves when stderr or stdout has shown `text`. */
  shown(text: string): Promise<void>;
  /** What stderr has shown so far. */
  text(): string;
}

/** Starts `wick` with `args`. */
export function startWick(args: readonly string[], options: CliOptions = {}): StartedCli {
  const [program, ...words] = [
    ...(options.prefix ?? []),
    process.execPath,
    "--max-semi-space-size=2", // as in the first line of start.ts
    "--",
    options.main ?? mainFile,
    ...args,
  ];
  const child = spawn(program!, words, {
    cwd: options.cwd ?? root,
    env: { ...process.env, WICK_CACHE: testCache, NO_COLOR: "1", ...options.env },
    stdio: ["pipe", "pipe", "pipe"],
  });
  child.stdin.on("error", () => undefined);
  child.stdin.end(options.stdin ?? "");
  const texts = { stdout: "", stderr: "" };
  const waiting = new Set<() => void>();
  for (const name of ["stdout", "stderr"] as const) {
    child[name].on("data", (chunk: Buffer) => {
      texts[name] += chunk.toString("latin1");
      for (const check of waiting) check();
    });
  }
  const done = new Promise<CliResult>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (status, signal) => resolve({ status, signal, ...texts }));
  });
  const shown = (text: string): Promise<void> =>
    new Promise((resolve, reject) => {
      const check = (): void => {
        if (!texts.stdout.includes(text) && !texts.stderr.includes(text)) return;
        waiting.delete(check);
        resolve();
      };
      waiting.add(check);
      void done.then(() =>
        reject(new Error(`wick ended without showing "${text}":\n${texts.stdout}${texts.stderr}`)),
      );
      check();
    });
  return { child, done, shown, text: () => texts.stderr };
}

/** Runs `wick` to its end. */
export function wick(args: readonly string[], options?: CliOptions): Promise<CliResult> {
  return startWick(args, options).done;
}

/** The one JSON object that `--json` printed. */
export function jsonOf<T>(result: CliResult): T {
  if (result.stdout === "") throw new Error(`nothing on stdout; stderr:\n${result.stderr}`);
  return JSON.parse(result.stdout) as T;
}
