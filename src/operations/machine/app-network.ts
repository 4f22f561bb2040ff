import type { RunPlan } from "../../config/index.ts";
import { isWickError } from "../../errors/index.ts";
import { type Kernel, kernelCapabilities, type KernelCapabilities } from "../../kernel/index.ts";
import type { Context } from "../common/context.ts";

/** The guest in QEMU's user network, in the kernel's own words (nfsroot.rst): no DHCP is needed. */
const ADDRESS = "ip=10.0.2.15::10.0.2.2:255.255.255.0::eth0:off";

/**
 * The words that give an application that is process 1 its network: nobody else sets it up. A
 * kernel that cannot is told once, where ports are published.
 */
export async function appNetworkWords(
  plan: RunPlan,
  kernel: Kernel,
  context: Context,
): Promise<readonly string[]> {
  if (plan.network !== "user" || /(^|\s)ip=/.test(plan.append)) return [];
  const lacks = lacking(await capabilitiesOf(kernel, context));
  if (lacks === undefined) return [ADDRESS];
  if (plan.ports.length > 0) {
    const message = `nothing will answer on the published ports: the kernel has ${lacks}, and an application that is process 1 loads no modules; --kernel with both built in, or --init wick`;
    context.onEvent({ type: "warning", message });
  }
  return [];
}

/** What of the network the kernel does not have in itself; undefined: it has all of it. */
function lacking(capabilities: KernelCapabilities | undefined): string | undefined {
  if (capabilities === undefined) return undefined;
  const { virtioNet, virtioPci, ipPnp } = capabilities.features;
  if (virtioNet.value !== true || virtioPci.value !== true) {
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
