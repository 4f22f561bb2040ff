import { ConnectionError } from "./connection-error.ts";
import { throwIfAborted } from "../files.ts";
import { sanitise } from "../../bytes/index.ts";

/** Bytes within an idle time that count as going on: fewer is a server that only holds us up. */
const ALIVE_BYTES = 1024;

/** `promise`, or the abort's error at once, or a `silent` error after `ms`; `giveUp` is called then. */
export async function patiently<T>(
  promise: Promise<T>,
  how: {
    readonly ms: number;
    readonly host: string;
    readonly signal: AbortSignal | undefined;
    readonly giveUp: () => void;
  },
): Promise<T> {
  promise.catch(() => {}); // it may fail when nobody waits any longer
  let stop = (): void => {};
  const bound = new Promise<never>((_, reject) => {
    const timer = setTimeout(() => reject(silent(how.host)), how.ms);
    const abort = (): void => reject(how.signal?.reason as Error);
    how.signal?.addEventListener("abort", abort, { once: true });
    stop = () => {
      clearTimeout(timer);
      how.signal?.removeEventListener("abort", abort);
    };
  });
  try {
    throwIfAborted(how.signal);
    return await Promise.race([promise, bound]);
  } catch (error) {
    how.giveUp();
    throwIfAborted(how.signal);
    throw error;
  } finally {
    stop();
  }
}

function silent(host: string): ConnectionError {
  return new ConnectionError(
    "silent",
    `Cannot go on with ${sanitise(host)}: it has fallen silent`,
    {
      hint: "try again: what has arrived is kept",
    },
  );
}

/** How long a reader has waited since the last bytes worth the name; its own work not counted. */
export class Patience {
  readonly #idleMs: number;
  #waitedMs = 0;
  #bytes = 0;

  constructor(idleMs: number) {
    this.#idleMs = idleMs;
  }

  get remainingMs(): number {
    return Math.max(0, this.#idleMs - this.#waitedMs);
  }

  /** Notes `bytes` that came after waiting for `ms`. */
  note(ms: number, bytes: number): void {
    this.#waitedMs += ms;
    this.#bytes += bytes;
    if (this.#bytes < ALIVE_BYTES) return;
    this.#bytes = 0;
    this.#waitedMs = 0;
  }
}
