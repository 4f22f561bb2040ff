import { sanitise } from "../bytes/index.ts";
import { WickError } from "../errors/index.ts";
import type { Network } from "./check-published.ts";

/** The network of a machine, resolved. */
export interface NetworkPlan {
  readonly network: Network;
  /** A TAP that is there already, by name; without it `tap` is one of wick's own. */
  readonly tap: string | undefined;
}

/** `tap=NAME`. */
const EXISTING = "tap=";

const modes: readonly string[] = ["user", "relay", "tap", "none"] satisfies readonly Network[];

export function isNetwork(text: string): boolean {
  return modes.includes(text) || text.startsWith(EXISTING);
}

/** What {@link isNetwork} let through; USAGE for a name that no device has. */
export function networkOf(given: string): NetworkPlan {
  if (!given.startsWith(EXISTING)) return { network: given as Network, tap: undefined };
  return { network: "tap", tap: deviceName(given.slice(EXISTING.length)) };
}

/** IFNAMSIZ with its NUL; the kernel takes more signs, and nobody uses them. */
function deviceName(text: string): string {
  if (/^[\w@-][\w.@-]{0,14}$/.test(text)) return text;
  throw new WickError(
    "USAGE",
    `Cannot use "${sanitise(text)}" as the name of a TAP: wanted 1 to 15 letters, digits, ".", "_", "@" or "-"`,
    { hint: "ip link shows the names; --network tap alone makes one" },
  );
}
