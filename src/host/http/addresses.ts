import { BlockList, isIP } from "node:net";

/**
 * How near an address is: `loopback` is this machine (and link-local, where clouds keep their
 * secrets), `private` its network, `public` everything else.
 */
export type AddressClass = "loopback" | "private" | "public";

/** IANA's special-purpose registries (RFC 6890, RFC 4193, RFC 4291). */
const loopback = blockList([
  ["0.0.0.0", 8],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["224.0.0.0", 3], // multicast, reserved, broadcast
  ["::", 127], // unspecified, and ::1
  ["fe80::", 10],
  ["ff00::", 8],
]);
const privateNetworks = blockList([
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["172.16.0.0", 12],
  ["192.168.0.0", 16],
  ["fc00::", 7],
]);

function blockList(networks: readonly (readonly [string, number])[]): BlockList {
  const list = new BlockList();
  for (const [network, prefix] of networks) list.addSubnet(network, prefix, family(network));
  return list;
}

function family(address: string): "ipv4" | "ipv6" {
  return address.includes(":") ? "ipv6" : "ipv4";
}

/** The class of an IP address; IPv4 inside IPv6 (mapped, NAT64, 6to4) counts as what it holds. */
export function classOfAddress(address: string): AddressClass {
  const plain = embeddedIpv4(address) ?? address;
  if (loopback.check(plain, family(plain))) return "loopback";
  return privateNetworks.check(plain, family(plain)) ? "private" : "public";
}

/** Prefixes that carry an IPv4 address, and at which of the eight groups it begins. */
const carriers = [
  { prefix: /^(0:){5}ffff:/, at: 6 }, // RFC 4291 2.5.5.2
  { prefix: /^64:ff9b:(0:){4}/, at: 6 }, // RFC 6052
  { prefix: /^2002:/, at: 1 }, // RFC 3056
];

function embeddedIpv4(address: string): string | undefined {
  if (isIP(address) !== 6) return undefined;
  const groups = groupsOf(address);
  const carrier = carriers.find(({ prefix }) => prefix.test(groups.map(hex).join(":")));
  if (carrier === undefined) return undefined;
  const [high = 0, low = 0] = groups.slice(carrier.at);
  return [high >> 8, high & 255, low >> 8, low & 255].join(".");
}

function hex(group: number): string {
  return group.toString(16);
}

/** The eight 16-bit groups of an IPv6 address; a URL's own parser writes its canonical form. */
function groupsOf(address: string): number[] {
  const canonical = new URL(`http://[${address.replace(/%.*/, "")}]`).hostname.slice(1, -1);
  const [head = "", tail] = canonical.split("::");
  const parse = (text: string): number[] =>
    text === "" ? [] : text.split(":").map((group) => Number.parseInt(group, 16));
  const left = parse(head);
  if (tail === undefined) return left;
  const right = parse(tail);
  return [...left, ...Array<number>(8 - left.length - right.length).fill(0), ...right];
}

/** Whether `hostname` (as a URL has it) is an IP literal, and which. */
export function literalAddress(hostname: string): string | undefined {
  const plain = hostname.replace(/^\[|\]$/g, "");
  return isIP(plain) === 0 ? undefined : plain;
}

/** Whether a host's name by itself says that it is this machine: Docker's rule for plain HTTP. */
export function isLoopbackHost(hostname: string): boolean {
  if (hostname.toLowerCase() === "localhost") return true;
  const literal = literalAddress(hostname);
  return literal !== undefined && /^127\.|^::1$/.test(embeddedIpv4(literal) ?? literal);
}
