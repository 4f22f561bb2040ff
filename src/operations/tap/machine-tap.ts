import type { RunPlan } from "../../config/index.ts";
import { currentUser } from "../../host/index.ts";
import type { Store } from "../../store/index.ts";
import type { TapCard } from "../../vmm/index.ts";
import type { Context } from "../common/context.ts";
import { existingTap } from "./existing.ts";
import { hostNameServers } from "./name-servers.ts";
import { makeTap } from "./own.ts";
import { macOf, type TapAddresses } from "./subnets.ts";

/** A machine's TAP, until it is disposed: one of wick's own goes then, a user's stays as it is. */
export interface MachineTap extends TapAddresses, Disposable {
  readonly card: TapCard;
  /** Those of the host that the machine may reach. */
  readonly nameservers: readonly string[];
}

/** Undefined for machines with another network. */
export async function tapFor(
  { network, tap, jail }: Pick<RunPlan, "network" | "tap" | "jail">,
  store: Store | undefined,
  { signal, onEvent }: Context,
): Promise<MachineTap | undefined> {
  if (network !== "tap") return undefined;
  const { uid } = jail ?? currentUser();
  const made = tap === undefined ? await makeTap({ store, uid, signal }) : undefined;
  const name = tap ?? made!.name;
  const addresses = made?.addresses ?? (await existingTap(name, signal));
  const { host, guest } = addresses;
  onEvent({ type: "note", message: `the machine has ${guest} on ${name}, this host ${host}` });
  return {
    ...addresses,
    card: { device: name, mac: macOf(guest) },
    nameservers: hostNameServers(),
    [Symbol.dispose]: () => made?.[Symbol.dispose](),
  };
}
