import { WickError } from "../index.ts";
import { ExitCode } from "./fail.ts";

type Caught = keyof typeof ExitCode.interrupted;
const SIGNALS = Object.keys(ExitCode.interrupted) as readonly Caught[];

/** The process's own interruption: first signal asks, the second ends at once. */
export interface Interruption extends Disposable {
  readonly signal: AbortSignal;
  /** Exit code of the signal that came, if one came. */
  readonly exitCode: number | undefined;
}

/**
 * Turns SIGINT, SIGTERM and SIGHUP into one AbortSignal. A second signal exits at once,
 * and what is registered to be undone at exit still is.
 */
export function catchInterruption(): Interruption {
  const controller = new AbortController();
  let exitCode: number | undefined;
  const handlers = SIGNALS.map((name) => {
    const handler = (): void => {
      if (exitCode !== undefined) {
        // oxlint-disable-next-line no-process-exit -- the user asked twice
        process.exit(ExitCode.interrupted[name]);
      }
      exitCode = ExitCode.interrupted[name];
      controller.abort(new WickError("INTERRUPTED", `Interrupted by ${name}`));
    };
    process.on(name, handler);
    return () => process.off(name, handler);
  });
  return {
    signal: controller.signal,
    get exitCode() {
      return exitCode;
    },
    [Symbol.dispose]() {
      // Who has been asked once may be asked again until the very end.
      if (exitCode === undefined) for (const off of handlers) off();
    },
  };
}

/** The signal whose exit code this is, if any. */
export function interruptionOf(exitCode: number): Caught | undefined {
  return SIGNALS.find((name) => ExitCode.interrupted[name] === exitCode);
}

/** Ends this process by the signal itself, once what is to be undone at exit is; never returns. */
export function dieOf(name: Caught): void {
  process.emit("exit", ExitCode.interrupted[name]);
  process.removeAllListeners(name);
  process.kill(process.pid, name);
}
