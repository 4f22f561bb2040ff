import { showPort, type PublishedPort } from "../application/index.ts";
import { WickError } from "../errors/index.ts";

/** Which network a machine has: QEMU's own, published TCP ports alone, none. */
export type Network = "user" | "relay" | "none";

/** Refuses ports that the network cannot carry, before anything is fetched. USAGE. */
export function checkPublished(ports: readonly PublishedPort[], network: Network): void {
  const [first] = ports;
  if (network === "none" && first !== undefined) {
    throw refused(first, "--network none has no ports", "leave out one of the two");
  }
  const udp = ports.find(({ protocol }) => protocol === "udp");
  if (network !== "relay" || udp === undefined) return;
  const hint = "--network user, with QEMU, forwards UDP too";
  throw refused(udp, "the relay carries TCP alone", hint);
}

function refused(port: PublishedPort, why: string, hint: string): WickError {
  return new WickError("USAGE", `Cannot publish ${showPort(port)}: ${why}`, { hint });
}
