import { isWickError } from "../../errors/index.ts";
import { kernelCapabilities } from "../../kernel/index.ts";
import type { Context } from "../common/context.ts";
import type { ImageFacts } from "../images/image-facts.ts";
import type { BundleMachine } from "./machine.ts";

/**
 * Whether the machine follows `ip=`: wick's init does, and it starts every root file system. In
 * an initramfs without it the kernel must do so itself.
 */
export async function hasNetwork(
  { format, reports }: ImageFacts,
  kernel: string,
  { signal }: Context,
): Promise<boolean> {
  if (format !== "initramfs" || reports) return true;
  try {
    const { features } = await kernelCapabilities(kernel, { signal });
    return [features.virtioNet, features.virtioMmio, features.ipPnp].every(
      ({ value }) => value === true,
    );
  } catch (error) {
    if (!isWickError(error, "TOOL_MISSING", "UNSUPPORTED")) throw error;
    return true;
  }
}

/** Told once, where an application says that it listens. */
export function warnOfPorts({ hasNetwork: has, ports }: BundleMachine, { onEvent }: Context): void {
  if (has || ports.length === 0) return;
  const message =
    "the bundle has no network: its kernel has virtio-net or IP_PNP not built in, and without wick's init nobody loads modules; --kernel with both built in, or --init wick";
  onEvent({ type: "warning", message });
}
