import { sanitise } from "../bytes/index.ts";
import { WickError } from "../errors/index.ts";

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** Node's timers count in 31 bits of `ms`. */
const MAX_MS = 2 ** 31 - 1;

/** `90s`, `1m30s`, `500ms`, or seconds alone → `ms`; USAGE naming `what` otherwise. */
export function parseDuration(text: string, what: string, maxMs = MAX_MS): number {
  const parts = [...text.matchAll(/(\d{1,9}(?:\.\d{1,3})?)(ms|s|m|h)/g)];
  const whole = parts.map(([part]) => part).join("");
  const ms = /^\d{1,7}$/.test(text)
    ? Number(text) * 1000
    : parts.reduce((sum, [, amount, unit]) => sum + Number(amount) * UNIT_MS[unit!]!, 0);
  if ((whole === text || /^\d+$/.test(text)) && ms > 0 && ms <= maxMs) return Math.round(ms);
  throw new WickError(
    "USAGE",
    `Cannot use "${sanitise(text)}" as ${what}: wanted a duration such as 60s or 2m`,
  );
}
