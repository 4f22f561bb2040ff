import { statOf, throwIfAborted } from "../../host/index.ts";
import { explain, type KvmVerdict } from "./explain.ts";
import { identityOf, recall, remember } from "./memory.ts";
import { KVM_DEVICE, kvmProbe, probeKvm, type ProbeOptions } from "./probe.ts";

/** How the verdict is come by. */
export interface VerdictOptions extends ProbeOptions {
  /** Where verdicts are kept, for the rest of this boot of the host; nothing is kept without. */
  readonly directory?: string;
  /** Whether the probe runs again where a no is kept. */
  readonly doubtsNo?: boolean;
}

/**
 * Whether guests run under this host's KVM: a file that can be opened proves nothing, so a probe
 * guest must have run, within a bounded time. Never throws but for an interruption.
 */
export async function kvmVerdict(options: VerdictOptions = {}): Promise<KvmVerdict> {
  const { directory, device = KVM_DEVICE, program = kvmProbe() } = options;
  if (statOf(program) === undefined) return notBuilt;
  const identity = directory === undefined ? undefined : identityOf(program, device);
  if (identity === undefined) return verdictOf({ ...options, device, program });
  const kept = recall(directory!, identity);
  if (kept !== undefined && (kept.works || options.doubtsNo !== true)) return kept;
  const verdict = await verdictOf({ ...options, device, program });
  remember(directory!, identity, verdict);
  return verdict;
}

async function verdictOf(options: ProbeOptions & { readonly device: string }): Promise<KvmVerdict> {
  const probed = await probeKvm(options);
  throwIfAborted(options.signal);
  return explain(probed, options.device);
}

/** No compiler for this architecture when wick was built. */
const notBuilt: KvmVerdict = {
  works: false,
  reason: "it is not known: this wick was built without its probe",
  hint: "build wick where there is a C compiler",
  passed: [],
};
