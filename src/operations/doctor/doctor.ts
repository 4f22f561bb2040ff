import { hostArch, throwIfAborted } from "../../host/index.ts";
import type { Context } from "../common/context.ts";
import { checkCache } from "./cache.ts";
import { checkFirecracker } from "./firecracker.ts";
import { checkKernels } from "./kernels.ts";
import { checkKvm } from "./kvm.ts";
import type { DoctorCheck, DoctorLine } from "./line.ts";
import { checkMemory } from "./memory.ts";
import { checkQemu } from "./qemu.ts";
import { checkTap } from "./tap.ts";
import { checkTools } from "./tools.ts";
import { checkVsock } from "./vsock.ts";
import { checkWickItself } from "./wick-itself.ts";

/** In the order in which they are shown. */
const checks: readonly DoctorCheck[] = [
  checkWickItself,
  checkKvm,
  checkQemu,
  checkFirecracker,
  checkKernels,
  checkMemory,
  checkCache,
  checkVsock,
  checkTap,
  checkTools,
];

/** What `wick doctor` found. */
export interface DoctorResult {
  readonly lines: readonly DoctorLine[];
  /** Whether nothing is missing that `wick run` needs. */
  readonly canRun: boolean;
}

/** Looks at what wick needs of this host and runs a guest under its KVM; changes nothing. */
export async function doctor(context: Context): Promise<DoctorResult> {
  const { environment, workingDirectory, signal } = context;
  const input = { environment, workingDirectory, arch: hostArch(), signal };
  const lines: DoctorLine[] = [];
  for (const check of checks) {
    throwIfAborted(signal);
    lines.push(...(await check(input)));
  }
  const canRun = lines.every(({ isNeeded, state }) => !isNeeded || state !== "missing");
  return { lines, canRun };
}
