import { type ErrorCode, WickError } from "../../errors/index.ts";

/** What wick was about to do. */
export const PURPOSE = "give the machine a TAP";

/** For whom wick cannot make one. */
const WITHOUT =
  "--network relay needs none; or have root make one, and use --network tap=tap0: " +
  'ip tuntap add dev tap0 mode tap user "$USER"; ip addr add 172.16.0.1/30 dev tap0; ip link set tap0 up';

export function tapError(code: ErrorCode, words: string, hint = WITHOUT): WickError {
  return new WickError(code, `Cannot ${PURPOSE}: ${words}`, { hint });
}
