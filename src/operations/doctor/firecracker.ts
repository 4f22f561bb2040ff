import { findProgram, runTool } from "../../host/index.ts";
import { firecracker } from "../../vmm/index.ts";
import { namedProgram } from "../common/named-program.ts";
import { cloudHypervisorFaults, firecrackerFaults, jailerFaults } from "./known-bad.ts";
import type { DoctorInput, DoctorLine } from "./line.ts";
import { type AskedProgram, programLine } from "./program-line.ts";

/** Firecracker and its jailer (WICK_FIRECRACKER, WICK_JAILER, else of PATH); Cloud Hypervisor where it is. */
export async function checkFirecracker(input: DoctorInput): Promise<DoctorLine[]> {
  const isThere = findProgram("cloud-hypervisor") !== undefined;
  return Promise.all([
    programLine(firecrackerOf(input)),
    programLine(jailerOf(input)),
    ...(isThere ? [programLine(cloudHypervisor)] : []),
  ]);
}

const RELEASES = "its project's releases have a binary to be put into PATH";

function firecrackerOf(input: DoctorInput): AskedProgram {
  const path = namedProgram("WICK_FIRECRACKER", input);
  const vmm = firecracker({ program: path });
  return {
    path,
    check: "firecracker",
    purpose: "runs machines by --vmm firecracker, with KVM alone",
    isNeeded: false,
    version: () => vmm.version(),
    advice: (version) => vmm.adviceOn?.(version),
    faults: firecrackerFaults,
    hint: `${RELEASES}, or to be named by WICK_FIRECRACKER`,
  };
}

function jailerOf(input: DoctorInput): AskedProgram {
  const path = namedProgram("WICK_JAILER", input);
  return {
    path,
    check: "jailer",
    purpose: "closes Firecracker in, for root alone",
    isNeeded: false,
    version: () => versionOf(path ?? "jailer", /^Jailer v(\S+)/m),
    faults: jailerFaults,
    hint: `${RELEASES}, or to be named by WICK_JAILER`,
  };
}

const cloudHypervisor: AskedProgram = {
  check: "cloud-hypervisor",
  purpose: "boots what wick builds, by hand",
  isNeeded: false,
  version: () => versionOf("cloud-hypervisor", /^cloud-hypervisor v(\S+)/m),
  faults: cloudHypervisorFaults,
  hint: RELEASES,
};

async function versionOf(name: string, says: RegExp): Promise<string> {
  const text = await runTool(name, ["--version"], { purpose: `ask ${name}` });
  return says.exec(text)?.[1] ?? "of unknown version";
}
