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
export function checkPublished(ports: readonly PublishedPort[], network: Network): void {
  const [first] = ports;
  if (network === "none" && first !== undefined) {
    throw refused(first, "--network none has no ports", "leave out one of the two");
  }
  const udp = ports.find(({ protocol }) => protocol === "udp");
  const reason = withoutUdp[network];
  if (reason === undefined || udp === undefined) return;
  throw refused(udp, reason.why, reason.hint);
}

function refused(port: PublishedPort, why: string, hint: string): WickError {
  return new WickError("USAGE", `Cannot publish ${showPort(port)}: ${why}`, { hint });
}
