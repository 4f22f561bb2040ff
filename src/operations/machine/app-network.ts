import type { RunPlan } from "../../config/index.ts";
import { isWickError } from "../../errors/index.ts";
import { type Kernel, kernelCapabilities, type KernelCapabilities } from "../../kernel/index.ts";
import type { Context } from "../common/context.ts";
import type { Parts } from "./machine-spec.ts";
import type { MachineTap } from "../tap/machine-tap.ts";
import { netmask } from "../tap/subnets.ts";

/** The guest in QEMU's user network, in the kernel's own words (nfsroot.rst): no DHCP is needed. */
const USER_ADDRESS = "ip=10.0.2.15::10.0.2.2:255.255.255.0::eth0:off";

/**
 * The words that give an application that is process 1 its network: nobody else sets it up. A
 * kernel that cannot is told once, where ports are published.
 */
export async function appNetworkWords(
  { plan, tap, kernel }: Pick<Parts, "plan" | "tap" | "kernel">,
  context: Context,
): Promise<readonly string[]> {
  const address = tap === undefined ? addressOf(plan) : tapAddress(tap);
  if (address === undefined || /(^|\s)ip=/.test(plan.append)) return [];
  const lacks = lacking(plan, await capabilitiesOf(kernel, context));
  if (lacks === undefined) return [address];
  if (plan.ports.length > 0) {
    const message = `nothing will answer on the published ports: the kernel has ${lacks}, and an application that is process 1 loads no modules; --kernel with both built in, or --init wick`;
    context.onEvent({ type: "warning", message });
  }
  return [];
}

function addressOf({ network }: RunPlan): string | undefined {
  return network === "user" ? USER_ADDRESS : undefined;
}

function tapAddress({ guest, host, prefix }: MachineTap): string {
  return `ip=${guest}::${host}:${netmask(prefix)}::eth0:off`;
}

/** What of the network the kernel does not have in itself; undefined: it has all of it. */
function lacking(
  { vmm }: RunPlan,
  capabilities: KernelCapabilities | undefined,
): string | undefined {
  if (capabilities === undefined) return undefined;
  const { virtioNet, virtioPci, virtioMmio, ipPnp } = capabilities.features;
  const bus = vmm === "firecracker" ? virtioMmio : virtioPci;
  if (virtioNet.value !== true || bus.value !== true) {
    return virtioNet.isModule ? "virtio-net as a module" : "no virtio-net";
  }
  return ipPnp.value === true ? undefined : "no IP_PNP, which sets an address";
}

/** Undefined where the kernel cannot be looked into. */
async function capabilitiesOf(
  { path }: Kernel,
  { signal }: Context,
): Promise<KernelCapabilities | undefined> {
  try {
    return await kernelCapabilities(path, { signal });
  } catch (error) {
    if (!isWickError(error, "TOOL_MISSING", "UNSUPPORTED")) throw error;
    return undefined;
  }
}
