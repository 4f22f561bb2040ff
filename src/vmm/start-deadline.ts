import { deadline, type Deadline } from "../host/index.ts";

/** A start takes a tenth of a second, on a busy host a second or two: this long means a hang. */
const START_TIMEOUT_MS = 30_000;

/** After a broken connection: how long a VMM may take to end and say why. */
export const LAST_WORDS_MS = 500;

/** The bound on all of a VMM's start; VMM_FAILED when it has passed. */
export function startDeadline(ms: number | undefined, signal: AbortSignal | undefined): Deadline {
  return deadline({
    ms: ms ?? START_TIMEOUT_MS,
    action: "start the machine",
    code: "VMM_FAILED",
    signal,
  });
}
