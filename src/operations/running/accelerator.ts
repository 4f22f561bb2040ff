import type { RequestedAccel, RunPlan } from "../../config/index.ts";
import { WickError } from "../../errors/index.ts";
import { hostArch, wickDirectories } from "../../host/index.ts";
import { kvmVerdict, type KvmVerdict } from "../../vmm/index.ts";
import type { Context } from "../common/context.ts";

/**
 * The plan with the accelerator that its machine gets. `auto` is KVM where a probe guest has run
 * under it, else TCG with a note that says why; what was asked for, or what Firecracker needs, is
 * an error where it does not work (UNSUPPORTED, PERMISSION).
 */
export async function withAccelerator(
  plan: RunPlan<RequestedAccel>,
  context: Context,
): Promise<RunPlan> {
  const { accel, vmm } = plan;
  if (accel === "tcg") return { ...plan, accel };
  const needsKvm = vmm === "firecracker";
  const isForced = accel === "kvm" || needsKvm;
  const verdict = await verdictFor(plan, isForced, context);
  if (verdict.works) return { ...plan, accel: "kvm" };
  if (isForced) throw noKvm(verdict, needsKvm ? "start Firecracker" : "run with KVM", needsKvm);
  const message = `the machine's processor is emulated (TCG), without KVM: ${verdict.reason}`;
  context.onEvent({ type: "note", message });
  return { ...plan, accel: "tcg" };
}

/** Who insists on KVM is not refused for what was found before. */
async function verdictFor(
  { content }: RunPlan<RequestedAccel>,
  doubtsNo: boolean,
  { environment, signal }: Context,
): Promise<KvmVerdict> {
  const own = hostArch();
  if (content.arch !== own) return otherArchitecture(content.arch, own);
  return kvmVerdict({ directory: wickDirectories(environment).cache, doubtsNo, signal });
}

function otherArchitecture(guest: string, own: string): KvmVerdict {
  return {
    works: false,
    reason: `it runs no guests of ${guest} on ${own}`,
    hint: "KVM runs guests of the host's own architecture",
    passed: [],
  };
}

function noKvm(verdict: KvmVerdict, action: string, needsKvm: boolean): WickError {
  const { reason, hint, passed, isPermission = false } = verdict;
  const instead = needsKvm ? "--vmm qemu emulates the processor" : "--accel tcg emulates";
  const tried = passed.length === 0 ? [] : [`what the probe guest passed: ${passed.join(", ")}`];
  return new WickError(isPermission ? "PERMISSION" : "UNSUPPORTED", `Cannot ${action}: ${reason}`, {
    detail: tried,
    hint: [...(hint === undefined ? [] : [hint]), instead].join("; "),
  });
}
