import type { Ipv4Subnet } from "../../host/index.ts";

/**
 * Where wick's own TAPs get their addresses, in this order: the ends of private and shared ranges
 * (RFC 1918, RFC 6598), which few networks use. docs/run.md names them.
 */
const RANGES = [
  { address: "172.30.252.0", prefix: 22 },
  { address: "100.127.252.0", prefix: 22 },
  { address: "10.213.252.0", prefix: 22 },
  { address: "192.168.252.0", prefix: 22 },
] as const satisfies readonly Ipv4Subnet[];

/** Two addresses, one at each end of the wire. */
const SUBNET = { prefix: 30, step: 4 } as const;

/** A route that holds that much is where the rest goes, not a network (`0.0.0.0/1` of some VPNs). */
const NETWORK_PREFIX_LEAST = 8;

/** The addresses of one TAP: the host's end and the machine's. */
export interface TapAddresses {
  readonly host: string;
  readonly guest: string;
  readonly prefix: number;
}

/**
 * The first subnet that overlaps none of `used`, or the one after `skip` others where there are so
 * many; undefined where all overlap.
 */
export function freeSubnet(used: readonly Ipv4Subnet[], skip = 0): TapAddresses | undefined {
  let found: TapAddresses | undefined;
  let left = skip;
  for (const base of bases()) {
    if (isTaken({ address: textOf(base), prefix: SUBNET.prefix }, used)) continue;
    found = { host: textOf(base + 1), guest: textOf(base + 2), prefix: SUBNET.prefix };
    if (left-- === 0) break;
  }
  return found;
}

/** Where each subnet begins. */
function* bases(): Generator<number> {
  for (const { address, prefix } of RANGES) {
    const first = numberOf(address);
    const end = first + 2 ** (32 - prefix);
    for (let base = first; base < end; base += SUBNET.step) yield base;
  }
}

/** Whether one of `used` is a network with an address of `subnet`'s. */
export function isTaken(subnet: Ipv4Subnet, used: readonly Ipv4Subnet[]): boolean {
  return used.some((other) => other.prefix >= NETWORK_PREFIX_LEAST && overlap(other, subnet));
}

/** Whether two networks share an address: the smaller lies in the larger, or they are apart. */
function overlap(one: Ipv4Subnet, other: Ipv4Subnet): boolean {
  const size = 2 ** (32 - Math.min(one.prefix, other.prefix));
  const base = (address: string): number => Math.floor(numberOf(address) / size);
  return base(one.address) === base(other.address);
}

/**
 * The guest's address beside the host's: the next one in its network, or the one before where that
 * is the last. Undefined: the network has no other.
 */
export function addressBeside({ address, prefix }: Ipv4Subnet): string | undefined {
  if (prefix > 31) return undefined;
  const own = numberOf(address);
  // RFC 3021: two addresses, both of them hosts'.
  if (prefix === 31) return textOf(own % 2 === 0 ? own + 1 : own - 1);
  const size = 2 ** (32 - prefix);
  const broadcast = own - (own % size) + size - 1;
  return textOf(own + 1 < broadcast ? own + 1 : own - 1);
}

/** `255.255.255.252` of 30. */
export function netmask(prefix: number): string {
  return textOf(2 ** 32 - 2 ** (32 - prefix));
}

/** A card's address that belongs to the IPv4 address: locally administered, another on each TAP. */
export function macOf(address: string): string {
  const bytes = address.split(".").map((part) => Number(part).toString(16).padStart(2, "0"));
  return ["06", "00", ...bytes].join(":");
}

function numberOf(address: string): number {
  return address.split(".").reduce((number, part) => number * 256 + Number(part), 0);
}

function textOf(number: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join(".");
}
