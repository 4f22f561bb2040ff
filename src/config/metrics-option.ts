import { resolve } from "node:path";
import { WickError } from "../errors/index.ts";
import type { RunOptions } from "./options.ts";
import type { VmmName } from "./vmm-options.ts";

/** Where the VMM's metrics go, absolute; undefined: nowhere. USAGE with QEMU, which has none. */
export function metricsOf(
  { metrics }: Pick<RunOptions, "metrics">,
  vmm: VmmName,
  workingDirectory: string,
): string | undefined {
  if (metrics === undefined) return undefined;
  if (vmm === "firecracker") return resolve(workingDirectory, metrics);
  throw new WickError("USAGE", "Cannot use --metrics with QEMU: they are Firecracker's", {
    hint: "add --vmm firecracker",
  });
}
