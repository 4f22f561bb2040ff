import type { RunPlan } from "../../config/index.ts";
import { isWickError } from "../../errors/index.ts";
import { type Kernel, kernelCapabilities, type KernelCapabilities } from "../../kernel/index.ts";
import type { Context } from "../common/context.ts";
import type { Parts } from "./machine-spec.ts";
import type { MachineTap } from "../tap/machine-tap.ts";
import { netmask } from "../tap/subnets.ts";

/** Addresses of a machine's network card and of the host on its other side. */
type Addresses = Pick<MachineTap, "guest" | "host" | "prefix">;

/** QEMU's user network. */
const USER: Addresses = { guest: "10.0.2.15", host: "10.0.2.2", prefix: 24 };

/**
 * The words that give an application that is process 1 its network: nobody else sets it up, but
 * perhaps the application itself. A kernel that cannot is told once, where ports are published.
 */
export async function appNetworkWords(
  { plan, tap, kernel }: Pick<Parts, "plan" | "tap" | "kernel">,
  context: Context,
): Promise<readonly string[]> {
  const addresses = tap ?? (plan.network === "user" ? USER : undefined);
  if (addresses === undefined || /(^|\s)ip=/.test(plan.append)) return [];
  const lacks = lacking(plan, await capabilitiesOf(kernel, context));
  if (lacks === undefined) return [inKernelsWords(addresses)];
  if (plan.ports.length > 0) {
    const { guest, prefix } = addresses;
    const message = `nothing will answer on the published ports unless the application itself ${lacks.does} ${guest}/${prefix} of eth0: the kernel has ${lacks.words}; --kernel with virtio-net and IP_PNP built in, or --init wick`;
    context.onEvent({ type: "warning", message });
  }
  return [];
}

/** As nfsroot.rst has them: no DHCP is needed. */
function inKernelsWords({ guest, host, prefix }: Addresses): string {
  return `ip=${guest}::${host}:${netmask(prefix)}::eth0:off`;
}

/** What of the network the kernel does not have in itself, and who would then do it. */
interface Lack {
  readonly words: string;
  readonly does: string;
}

/** Undefined: the kernel has all of it, or cannot be looked into. */
function lacking({ vmm }: RunPlan, capabilities: KernelCapabilities | undefined): Lack | undefined {
  if (capabilities === undefined) return undefined;
  const { virtioNet, virtioPci, virtioMmio, ipPnp } = capabilities.features;
  const bus = vmm === "firecracker" ? virtioMmio : virtioPci;
  if (virtioNet.value !== true || bus.value !== true) {
    const words = virtioNet.isModule ? "virtio-net as a module" : "no virtio-net";
    return { words, does: "loads the modules and sets the address" };
  }
  if (ipPnp.value === true) return undefined;
  return { words: "no IP_PNP, which sets one", does: "sets the address" };
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
