import { findProgram, runTool } from "../../host/index.ts";
import {
  cloudHypervisorFaults,
  firecrackerFaults,
  jailerFaults,
  type KnownBad,
} from "./known-bad.ts";
import type { DoctorInput, DoctorLine } from "./line.ts";
import { programLine } from "./program-line.ts";

/** Firecracker (WICK_FIRECRACKER, else of PATH) and its jailer; Cloud Hypervisor where it is. */
export async function checkFirecracker({ environment }: DoctorInput): Promise<DoctorLine[]> {
  const named = environment["WICK_FIRECRACKER"] ?? "";
  const others = findProgram("cloud-hypervisor") === undefined ? [] : [cloudHypervisor];
  return Promise.all([
    toolLine(firecracker, named === "" ? firecracker.name : named),
    ...[jailer, ...others].map((vmm) => toolLine(vmm, vmm.name)),
  ]);
}

interface OtherVmm {
  readonly name: string;
  readonly purpose: string;
  readonly says: RegExp;
  readonly faults: readonly KnownBad[];
}

const firecracker: OtherVmm = {
  name: "firecracker",
  purpose: "runs machines by --vmm firecracker, with KVM alone",
  says: /^Firecracker v(\S+)/m,
  faults: firecrackerFaults,
};

const jailer: OtherVmm = {
  name: "jailer",
  purpose: "closes Firecracker in, for root alone",
  says: /^Jailer v(\S+)/m,
  faults: jailerFaults,
};

const cloudHypervisor: OtherVmm = {
  name: "cloud-hypervisor",
  purpose: "boots what wick builds, by hand",
  says: /^cloud-hypervisor v(\S+)/m,
  faults: cloudHypervisorFaults,
};

function toolLine({ name, purpose, says, faults }: OtherVmm, program: string): Promise<DoctorLine> {
  return programLine({
    check: name,
    purpose,
    isNeeded: false,
    faults,
    hint: "its project's releases have a binary to be put into PATH",
    version: async () => {
      const text = await runTool(program, ["--version"], { purpose: `ask ${name}` });
      return says.exec(text)?.[1] ?? "of unknown version";
    },
  });
}
