import { kvmVerdict } from "../../vmm/index.ts";
import type { DoctorInput, DoctorLine } from "./line.ts";

/** A guest is really run, whatever an earlier one has shown; nothing is kept of it. */
export async function checkKvm({ signal }: DoctorInput): Promise<DoctorLine[]> {
  const { works, reason, hint } = await kvmVerdict({ signal });
  return [
    {
      check: "KVM",
      state: works ? "ok" : "missing",
      found: reason,
      purpose: "machines at the processor's own speed; Firecracker needs it, QEMU can do without",
      ...(hint === undefined ? {} : { hint }),
      isNeeded: false,
    },
  ];
}
