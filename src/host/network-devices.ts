import { WickError } from "../errors/index.ts";
import { runTool } from "./tool.ts";

/** An IPv4 address with the length of its network's prefix. */
export interface Ipv4Subnet {
  readonly address: string;
  readonly prefix: number;
}

/** A network device of this host. */
export interface NetworkDevice {
  readonly name: string;
  /** Devices that came later have higher ones. */
  readonly index: number;
  readonly isUp: boolean;
  /** Of a TAP: whether a program is attached to it. */
  readonly hasCarrier: boolean;
  /** What its maker wrote on it. */
  readonly alias: string | undefined;
  /** "tap", "tun", or another kind's name; undefined: the kernel tells none. */
  readonly kind: string | undefined;
  /** Of a TAP: several programs may attach to it, all of them as such. */
  readonly isMultiQueue: boolean;
  readonly addresses: readonly Ipv4Subnet[];
}

interface Asking {
  /** For the error: `Cannot <purpose>: …`. */
  readonly purpose: string;
  readonly signal?: AbortSignal | undefined;
}

/** What `ip -json -details address` has of a device, as far as it is read. */
interface IpDevice {
  readonly ifindex?: number;
  readonly ifname?: string;
  readonly flags?: readonly string[];
  readonly ifalias?: string;
  readonly linkinfo?: {
    readonly info_kind?: string;
    readonly info_data?: { readonly type?: string; readonly multi_queue?: boolean };
  };
  readonly addr_info?: readonly {
    readonly family?: string;
    readonly local?: string;
    readonly prefixlen?: number;
  }[];
}

/**
 * The devices of the network that this process is in: asked of `ip`, since /sys may show those of
 * another one. TOOL_MISSING, TOOL_FAILED.
 */
export async function networkDevices(asking: Asking): Promise<readonly NetworkDevice[]> {
  const found = await askIp<IpDevice>(["-details", "address", "show"], asking);
  return found.map(deviceOf);
}

function deviceOf(device: IpDevice): NetworkDevice {
  const { ifname = "", ifindex = 0, flags = [], ifalias, linkinfo, addr_info = [] } = device;
  const data = linkinfo?.info_data;
  return {
    name: ifname,
    index: ifindex,
    isUp: flags.includes("UP"),
    hasCarrier: flags.includes("LOWER_UP"),
    alias: ifalias,
    // Both kinds that /dev/net/tun makes are "tun".
    kind: linkinfo?.info_kind === "tun" ? data?.type : linkinfo?.info_kind,
    isMultiQueue: data?.multi_queue === true,
    addresses: addr_info.flatMap(({ family, local, prefixlen }) =>
      family === "inet" && local !== undefined && prefixlen !== undefined
        ? [{ address: local, prefix: prefixlen }]
        : [],
    ),
  };
}

/** Where this host sends packets, in all its tables; without default routes. */
export async function routedSubnets(
  asking: Asking,
): Promise<readonly (Ipv4Subnet & { readonly device: string | undefined })[]> {
  const words = ["-4", "route", "show", "table", "all"];
  const routes = await askIp<{ readonly dst?: string; readonly dev?: string }>(words, asking);
  return routes.flatMap(({ dst, dev }) => {
    const [address = "", prefix = "32"] = (dst ?? "default").split("/");
    return address === "default" ? [] : [{ address, prefix: Number(prefix), device: dev }];
  });
}

async function askIp<T>(words: readonly string[], { purpose, signal }: Asking): Promise<T[]> {
  const text = await runTool("ip", ["-json", ...words], { purpose, signal });
  try {
    // Of no devices or routes it says nothing.
    const found: unknown = JSON.parse(text === "" ? "[]" : text);
    if (Array.isArray(found)) return found as T[];
  } catch {
    // Said below.
  }
  throw new WickError("TOOL_FAILED", `Cannot ${purpose}: the program ip answered without JSON`, {
    hint: "iproute2's is wanted: apt-get install iproute2",
  });
}
