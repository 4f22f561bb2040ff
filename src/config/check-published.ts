import { showPort, type PublishedPort } from "../application/index.ts";
import { WickError } from "../errors/index.ts";

/** Which network a machine has: QEMU's own, none but published TCP ports (through init), a TAP, none. */
export type Network = "user" | "relay" | "tap" | "none";

/** Why UDP ports are not published. */
const withoutUdp: Partial<
  Readonly<Record<Network, { readonly why: string; readonly hint: string }>>
> = {
  relay: {
    why: "the relay carries TCP alone",
    hint: "--network user, with QEMU, forwards UDP too",
  },
  tap: {
    why: "with --network tap wick forwards TCP alone",
    hint: "send to the machine's own address, which the host reaches; --network user, with QEMU, forwards UDP too",
  },
};

/** Refuses ports that the network cannot carry, before anything is fetched. USAGE. */
export function checkPublished(
  ports: readonly PublishedPort[],
  network: Network,
  publishesAll: boolean,
): void {
  const [first] = ports;
  if (network === "none" && publishesAll) throw refused("all ports (-P)", NO_PORTS, LEAVE_OUT);
  if (network === "none" && first !== undefined) {
    throw refused(showPort(first), NO_PORTS, LEAVE_OUT);
  }
  const udp = ports.find(({ protocol }) => protocol === "udp");
  const reason = withoutUdp[network];
  if (reason === undefined || udp === undefined) return;
  throw refused(showPort(udp), reason.why, reason.hint);
}

const NO_PORTS = "--network none has no ports";
const LEAVE_OUT = "leave out one of the two";

function refused(what: string, why: string, hint: string): WickError {
  return new WickError("USAGE", `Cannot publish ${what}: ${why}`, { hint });
}
