import type { NetworkPlan } from "../../config/index.ts";
import { mayChangeNetwork, mayUse, requireProgram } from "../../host/index.ts";
import { PURPOSE, tapError } from "./errors.ts";
import { existingTap } from "./existing.ts";

export const TUN_DEVICE = "/dev/net/tun";

/** Whether the machine can have the TAP that is asked for: before anything is fetched or built. */
export async function checkTap({ network, tap }: NetworkPlan, signal?: AbortSignal): Promise<void> {
  if (network !== "tap") return;
  const device = mayUse(TUN_DEVICE);
  if (device === undefined) {
    throw tapError(
      "UNSUPPORTED",
      `this host has no ${TUN_DEVICE}`,
      "modprobe tun; --network relay needs none",
    );
  }
  if (!device) throw tapError("PERMISSION", `this user may not open ${TUN_DEVICE}`);
  requireProgram("ip", PURPOSE);
  if (tap !== undefined) await existingTap(tap, signal);
  else if (!mayChangeNetwork()) {
    throw tapError("PERMISSION", "making one takes CAP_NET_ADMIN, which this user has not");
  }
}
