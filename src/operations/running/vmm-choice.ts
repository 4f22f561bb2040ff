import { join } from "node:path";
import { sanitise } from "../../bytes/index.ts";
import type { RunPlan } from "../../config/index.ts";
import { WickError } from "../../errors/index.ts";
import { wickDirectories } from "../../host/index.ts";
import { type Kernel, type PackRecord, unpackedCopy } from "../../kernel/index.ts";
import type { Store } from "../../store/index.ts";
import { firecracker, qemu, type Vmm } from "../../vmm/index.ts";
import type { Context } from "../common/context.ts";
import { namedProgram } from "../common/named-program.ts";

/**
 * The VMM of the plan; WICK_FIRECRACKER and WICK_JAILER name programs where PATH has others. With
 * a store, what it leaves when wick is killed is removed by the next command.
 */
export function vmmFor(
  { vmm, jail, drives, metrics }: Pick<RunPlan, "vmm" | "jail" | "drives" | "metrics">,
  context: Context,
  store?: Store,
): Vmm {
  if (vmm === "qemu") return qemu();
  return firecracker({
    program: namedProgram("WICK_FIRECRACKER", context),
    drives,
    metrics,
    jail: jail && {
      ...jail,
      program: namedProgram("WICK_JAILER", context),
      claim: store && ((path, group) => store.claim(path, group)),
    },
  });
}

/** Whether it is there, and what is to be known of it: before anything is built. */
export async function checkVmm(
  vmm: Vmm,
  { content }: Pick<RunPlan, "content">,
  { onEvent }: Context,
): Promise<void> {
  const version = await vmm.version(content.arch);
  const advice = vmm.adviceOn?.(version);
  if (advice !== undefined) onEvent({ type: "warning", message: advice });
}

/** QEMU unpacks kernels by itself; Firecracker wants what is in them. */
export function kernelForVmm(
  { vmm }: RunPlan,
  kernel: Kernel,
  { directory, context }: { readonly directory: string; readonly context: Context },
): Kernel | Promise<Kernel> {
  if (vmm === "qemu") return kernel;
  const cacheDirectory = wickDirectories(context.environment).cache;
  const privatePath = join(directory, "vmlinux");
  return unpackedCopy(kernel, { cacheDirectory, privatePath, signal: context.signal });
}

/** Refuses a packed bzImage for Firecracker, which boots none. */
export function checkPackedForm({ vmm, content }: RunPlan, { form }: PackRecord): void {
  if (vmm === "qemu" || form !== "bzImage") return;
  throw new WickError(
    "UNSUPPORTED",
    `Cannot run ${sanitise(content.source)} with Firecracker: it is packed as a bzImage, wanted an ELF`,
    { hint: "pack it under another name, as wick pack -o app.vmlinux, or use --vmm qemu" },
  );
}
