import type { WickError } from "../../errors/index.ts";
import { type Ipv4Subnet, networkDevices, routedSubnets, runTool } from "../../host/index.ts";
import type { Store } from "../../store/index.ts";
import { PURPOSE, tapError } from "./errors.ts";
import { freeSubnet, isTaken, type TapAddresses } from "./subnets.ts";

/** How often another network may appear just where wick was about to make its own. */
const ATTEMPTS = 16;

/** Devices that are made at the same time have indices one after the other. */
const SPREAD = 16;

/** A TAP of wick's own, until it is disposed. */
export interface MadeTap extends Disposable {
  readonly name: string;
  readonly addresses: TapAddresses;
}

interface Making {
  readonly store: Store | undefined;
  /** Who attaches to it. */
  readonly uid: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Makes a TAP with a subnet that nothing on this host uses. It is made before the machine, whose
 * initramfs tells its address, and goes with it; should wick be killed, the next command removes
 * it: the claim's lock tells that its owner is gone, the alias that it is still that TAP.
 */
export async function makeTap({ store, uid, signal }: Making): Promise<MadeTap> {
  if (store === undefined) throw withoutStore();
  const claim = await store.claimTap();
  try {
    await ip(["tuntap", "add", "dev", claim.name, "mode", "tap", "user", String(uid)], signal);
    await ip(["link", "set", "dev", claim.name, "alias", claim.alias], signal);
    const addresses = await takeSubnet(claim.name, signal);
    return { name: claim.name, addresses, [Symbol.dispose]: () => claim[Symbol.dispose]() };
  } catch (error) {
    claim[Symbol.dispose]();
    throw error;
  }
}

/**
 * The address is given first and looked at again then: two commands may choose at once. Both give
 * way, and each goes on from another place.
 */
async function takeSubnet(name: string, signal?: AbortSignal): Promise<TapAddresses> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const { index, subnets } = await othersThan(name, signal);
    const addresses = freeSubnet(subnets, attempt === 0 ? 0 : index % SPREAD);
    if (addresses === undefined) break;
    const { host: address, prefix } = addresses;
    await ip(["address", "add", `${address}/${prefix}`, "dev", name], signal);
    await ip(["link", "set", "dev", name, "up"], signal);
    const after = await othersThan(name, signal);
    if (!isTaken({ address, prefix }, after.subnets)) return addresses;
    await ip(["address", "del", `${address}/${prefix}`, "dev", name], signal);
  }
  throw tapError(
    "UNSUPPORTED",
    "all of wick's subnets overlap addresses or routes of this host",
    "ip route show table all tells them; --network tap=NAME takes a TAP with an address of your choice",
  );
}

/** Which device this is, and what all others have. */
interface Others {
  readonly index: number;
  readonly subnets: readonly Ipv4Subnet[];
}

/** Addresses and routes: a route may outlive what it led to, and an address be unrouted. */
async function othersThan(own: string, signal?: AbortSignal): Promise<Others> {
  const asking = { purpose: PURPOSE, signal };
  const devices = await networkDevices(asking);
  const addresses = devices.flatMap(({ name: device, addresses: all }) =>
    all.map((one) => ({ ...one, device })),
  );
  const found = [...addresses, ...(await routedSubnets(asking))];
  return {
    index: devices.find(({ name }) => name === own)?.index ?? 0,
    subnets: found.filter(({ device }) => device !== own),
  };
}

function ip(words: readonly string[], signal?: AbortSignal): Promise<string> {
  return runTool("ip", words, { purpose: PURPOSE, signal });
}

function withoutStore(): WickError {
  return tapError(
    "UNSUPPORTED",
    "without a cache and its locks nobody would know that it is to be removed",
    "name a directory with WICK_CACHE, and install util-linux (flock); or use --network tap=NAME",
  );
}
