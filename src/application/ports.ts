import { sanitise } from "../bytes/index.ts";
import { WickError } from "../errors/index.ts";
import { isIpAddress } from "./addresses.ts";

/** A port of the guest that is published: the fields of a VMM's port forward, and a range. */
export interface PublishedPort {
  readonly protocol: "tcp" | "udp";
  /** Without brackets; loopback unless the user writes one (threats P4). */
  readonly hostAddress: string;
  /** 0: any free one (of the range, where there is one). */
  readonly hostPort: number;
  readonly guestPort: number;
  /** `8080-8090:80`: the first free one of these. */
  readonly hostRange?: { readonly first: number; readonly last: number };
}

interface Range {
  readonly first: number;
  readonly last: number;
}

const LOOPBACK = "127.0.0.1";
/** Enough for any service; a machine relays each port by itself. */
const RANGE_MAX = 1024;

/**
 * `--expose` and ExposedPorts: `80`, `80/tcp`, `8000-8010/udp` → `["80/tcp"]`, …; USAGE with
 * the reason otherwise.
 */
export function parseExposed(text: string): string[] {
  const [numbers, protocol] = splitProtocol(text);
  const cannot = (why: string) => refuse("expose", text, why, "80, 53/udp or 8000-8010");
  if (!["tcp", "udp", "sctp"].includes(protocol)) throw cannot(`it has the protocol "${protocol}"`);
  const range = parseRange(numbers);
  if (typeof range === "string") throw cannot(range);
  if (range.first === 0) throw cannot("port 0 cannot be listened on by number");
  return portsOf(range).map((port) => `${port}/${protocol}`);
}

/** The canonical key of ExposedPorts (`80` → `80/tcp`); undefined when it is not one port. */
export function portKey(text: string): string | undefined {
  try {
    const ports = parseExposed(text);
    return ports.length === 1 ? ports[0] : undefined;
  } catch {
    return undefined;
  }
}

/**
 * One `-p` in Docker's grammar: `[[IP:]HOST:]GUEST[/udp]`. `80` alone and host port 0 take a
 * free port, equal ranges go in pairs, `8080-8090:80` takes a free one of the range,
 * `[::1]:8080:80` has its brackets off. Docker's 0.0.0.0 is 127.0.0.1 here.
 */
export function parsePublished(text: string): PublishedPort[] {
  const cannot = (why: string) => refuse("publish", text, why, "[IP:]HOST:GUEST[/udp]");
  const [rest, protocol] = splitProtocol(text);
  if (protocol !== "tcp" && protocol !== "udp") throw cannot(`it has the protocol "${protocol}"`);
  const parts = rest.split(":");
  const guest = parseRange(parts.pop()!);
  if (typeof guest === "string") throw cannot(`the guest's port: ${guest}`);
  if (guest.first === 0) throw cannot("the guest's port is 0");
  const host = parseRange(parts.pop() || "0");
  if (typeof host === "string") throw cannot(`the host's port: ${host}`);
  const hostAddress = parseHostAddress(parts.join(":"));
  if (hostAddress === undefined) throw cannot(`"${parts.join(":")}" is not an IP address`);
  return pair({ host, guest, protocol, hostAddress }, cannot);
}

/** All `-p` of a command line; a host port that two of them claim is an error. */
export function parsePublishedAll(texts: readonly string[]): PublishedPort[] {
  const ports = texts.flatMap(parsePublished);
  ports.forEach((port, index) => {
    const other = ports.slice(0, index).find((before) => claimsSame(before, port));
    if (other === undefined) return;
    throw new WickError(
      "USAGE",
      `Cannot publish ${showPort(port)}: ${showPort(other)} has the same host port, wanted each once`,
    );
  });
  return ports;
}

/** `127.0.0.1:8080:80/tcp`. */
export function showPort(port: PublishedPort): string {
  const address = port.hostAddress.includes(":") ? `[${port.hostAddress}]` : port.hostAddress;
  return `${address}:${port.hostPort}:${port.guestPort}/${port.protocol}`;
}

function pair(
  spec: Pick<PublishedPort, "protocol" | "hostAddress"> & { host: Range; guest: Range },
  cannot: (why: string) => WickError,
): PublishedPort[] {
  const { host, guest, protocol, hostAddress } = spec;
  const hostCount = host.last - host.first + 1;
  const guestCount = guest.last - guest.first + 1;
  if (guestCount === 1 && hostCount > 1) {
    return [{ protocol, hostAddress, hostPort: 0, guestPort: guest.first, hostRange: host }];
  }
  const free = host.first === 0 && hostCount === 1;
  if (!free && hostCount !== guestCount) {
    throw cannot(`${hostCount} host ports for ${guestCount} of the guest`);
  }
  return portsOf(guest).map((guestPort, index) => ({
    protocol,
    hostAddress,
    hostPort: free ? 0 : host.first + index,
    guestPort,
  }));
}

/** `80` or `80-90`; the reason as text when it is neither. */
function parseRange(text: string): Range | string {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text);
  if (match === null) return text === "" ? "there is none" : `"${text}" is not a port or range`;
  const first = Number(match[1]);
  const last = Number(match[2] ?? match[1]);
  if (last > 65535) return `${last} is over 65535`;
  if (last < first) return `the range ${text} runs backwards`;
  if (last - first >= RANGE_MAX) return `the range ${text} has over ${RANGE_MAX} ports`;
  if (first === 0 && last !== 0) return "a range cannot begin with port 0";
  return { first, last };
}

function portsOf({ first, last }: Range): number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}

function splitProtocol(text: string): [string, string] {
  const slash = text.indexOf("/");
  if (slash < 0) return [text, "tcp"];
  return [text.slice(0, slash), text.slice(slash + 1).toLowerCase()];
}

function parseHostAddress(text: string): string | undefined {
  if (text === "") return LOOPBACK;
  const bare = text.startsWith("[") && text.endsWith("]") ? text.slice(1, -1) : text;
  return isIpAddress(bare) ? bare.toLowerCase() : undefined;
}

function claimsSame(a: PublishedPort, b: PublishedPort): boolean {
  if (a.hostPort === 0 || a.hostPort !== b.hostPort || a.protocol !== b.protocol) return false;
  const addresses = [a.hostAddress, b.hostAddress];
  return addresses[0] === addresses[1] || addresses.includes("0.0.0.0") || addresses.includes("::");
}

function refuse(action: string, text: string, why: string, wanted: string): WickError {
  const message = `Cannot ${action} "${sanitise(text)}": ${sanitise(why)}, wanted ${wanted}`;
  return new WickError("USAGE", message);
}
