import { setTimeout as sleep } from "node:timers/promises";
import { WickError } from "../../errors/index.ts";
import { ConnectionError, monotonicMs, throwIfAborted } from "../../host/index.ts";

/** How often and how long is tried again. */
export interface RetryPolicy {
  /** The first pause, in `ms`; each further one is twice as long. */
  readonly firstPauseMs: number;
  readonly longestPauseMs: number;
  /** The time without any progress after which it is given up, in `ms`. */
  readonly overallMs: number;
}

export const patientPolicy: RetryPolicy = {
  firstPauseMs: 1000,
  longestPauseMs: 16_000,
  overallMs: 120_000,
};

/** Attempts at one thing, progress or not: a server that gives a byte at a time has an end too. */
const ATTEMPTS_MAX = 40;

/** An answer that may be another one in a moment: 429, 5xx. */
export class BusyError extends WickError {
  /** What the server asks for, in `ms`. */
  readonly retryAfterMs: number | undefined;

  constructor(message: string, details: { hint?: string; retryAfterMs: number | undefined }) {
    const { retryAfterMs, ...rest } = details;
    super("REGISTRY_FAILED", message, rest);
    this.retryAfterMs = retryAfterMs;
  }
}

/** What is tried, and how it goes. */
export interface Retrying {
  readonly policy: RetryPolicy;
  readonly signal?: AbortSignal | undefined;
  /** Told before each pause. */
  readonly note: (message: string) => void;
  /** Grows with every byte that arrived for good. */
  readonly progress?: () => number;
  /** The server has answered before: what refuses connections now is restarting. */
  readonly isKnown: () => boolean;
}

/** Calls `attempt` until it succeeds, fails for good, or the time is over. */
export async function retrying<T>(how: Retrying, attempt: () => Promise<T>): Promise<T> {
  const { policy, signal, note, progress } = how;
  let since = monotonicMs();
  let seen = progress?.() ?? 0;
  for (let failures = 1, attempts = 1; ; failures++, attempts++) {
    try {
      return await attempt();
    } catch (error) {
      throwIfAborted(signal);
      if (!isPassing(error, how.isKnown()) || attempts >= ATTEMPTS_MAX) throw error;
      const now = progress?.() ?? 0;
      if (now !== seen) [seen, since, failures] = [now, monotonicMs(), 1];
      const pauseMs = pauseOf(error, failures, policy);
      const left = policy.overallMs - (monotonicMs() - since);
      if (pauseMs > left) throw givenUp(error, pauseMs, policy);
      note(
        `${error.message.replace(/^Cannot /, "could not ")}; trying again in ${inWords(pauseMs)}`,
      );
      await pause(pauseMs, signal);
    }
  }
}

async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await sleep(ms, undefined, signal === undefined ? {} : { signal });
  } catch (error) {
    throwIfAborted(signal);
    throw error;
  }
}

/** Problems of a connection that go by themselves; others will be the same in a minute. */
const PASSING: readonly string[] = ["broken", "silent", "unreachable"];

function isPassing(error: unknown, isKnown: boolean): error is WickError {
  if (error instanceof BusyError) return true;
  if (!(error instanceof ConnectionError)) return false;
  return PASSING.includes(error.problem) || (error.problem === "refused" && isKnown);
}

/** Never shorter than the back-off: `Retry-After: 0` makes no tight loop. */
function pauseOf(error: WickError, failures: number, policy: RetryPolicy): number {
  const backOff = Math.min(policy.longestPauseMs, policy.firstPauseMs * 2 ** (failures - 1));
  const asked = error instanceof BusyError ? (error.retryAfterMs ?? 0) : 0;
  return Math.max(backOff, asked);
}

function givenUp(error: WickError, pauseMs: number, policy: RetryPolicy): WickError {
  const asked = error instanceof BusyError && (error.retryAfterMs ?? 0) >= pauseMs;
  const why = asked
    ? `, and asks to be left alone for ${inWords(pauseMs)}`
    : `; given up after ${inWords(policy.overallMs)}`;
  return new WickError(error.code, `${error.message}${why}`, {
    hint: error.hint ?? "try again later: what has arrived is kept",
    cause: error,
  });
}

function inWords(ms: number): string {
  if (ms < 90_000) return `${Math.ceil(ms / 100) / 10} s`;
  return ms < 7_200_000 ? `${Math.ceil(ms / 60_000)} min` : `${Math.ceil(ms / 3_600_000)} h`;
}
