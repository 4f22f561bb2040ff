import {
  mergeConfigs,
  parsePublishedAll,
  showPort,
  type PublishedPort,
} from "../../application/index.ts";
import type { RunPlan } from "../../config/index.ts";
import { WickError } from "../../errors/index.ts";
import { checkPortFree } from "../../host/index.ts";
import type { PortForward } from "../../vmm/index.ts";
import type { ImageFacts } from "../images/image-facts.ts";

/** What `-p` says, and with `-P` every other port that the image exposes, on a free one. */
export function publishedPorts(plan: RunPlan, { config }: ImageFacts): readonly PublishedPort[] {
  if (!plan.publishAll) return plan.ports;
  const { ExposedPorts = {} } = mergeConfigs(config ?? {}, plan.overrides);
  const isNamed = ({ protocol, guestPort }: PublishedPort): boolean =>
    plan.ports.some((port) => port.protocol === protocol && port.guestPort === guestPort);
  // What the network cannot carry is no reason to start nothing, as long as nobody asks for it.
  const carried = plan.network === "user" ? /\/(tcp|udp)$/ : /\/tcp$/;
  const keys = Object.keys(ExposedPorts).filter((key) => carried.test(key));
  const exposed = parsePublishedAll(keys).filter((port) => !isNamed(port));
  return [...plan.ports, ...exposed];
}

/** Fails where nobody in the machine carries what the relay publishes. */
export function checkRelayed(
  { network }: RunPlan,
  { reports }: ImageFacts,
  ports: readonly PublishedPort[],
): void {
  if (network !== "relay") return;
  const [first] = ports;
  if (reports || first === undefined) return;
  throw new WickError(
    "USAGE",
    `Cannot publish ${showPort(first)}: the relay is a part of wick's init, which this image does not have`,
    { hint: "build it with --init wick, or use --network user, with QEMU" },
  );
}

/** The ports to forward: where a range of host ports is given, its first free one. */
export async function choosePorts(ports: readonly PublishedPort[]): Promise<PortForward[]> {
  const chosen: PortForward[] = [];
  for (const port of ports) chosen.push(await chooseOne(port, chosen));
  return chosen;
}

async function chooseOne(port: PublishedPort, taken: readonly PortForward[]): Promise<PortForward> {
  const { hostRange, ...forward } = port;
  if (hostRange === undefined) return forward;
  for (let hostPort = hostRange.first; hostPort <= hostRange.last; hostPort++) {
    const candidate = { ...forward, hostPort };
    if (taken.some((other) => other.hostPort === hostPort)) continue;
    if (await isFree(candidate)) return candidate;
  }
  const range = `${hostRange.first}-${hostRange.last}`;
  throw new WickError(
    "PORT_BUSY",
    `Cannot publish ${showPort(port)}: all host ports of ${range} are in use`,
  );
}

async function isFree(port: PortForward): Promise<boolean> {
  try {
    await checkPortFree(port);
    return true;
  } catch {
    return false;
  }
}
