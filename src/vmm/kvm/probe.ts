import {
  hostArch,
  packageFile,
  startProcess,
  throwIfAborted,
  type ProcessExit,
} from "../../host/index.ts";

/** How the probe's walk ended. */
export type ProbeEnd =
  | { readonly kind: "works" }
  /** A call of KVM's failed. */
  | { readonly kind: "refused"; readonly call: string; readonly errno: number }
  /** The guest ended somewhere else than at its end. */
  | { readonly kind: "strayed"; readonly words: string }
  /** Nothing more came for the whole deadline. */
  | { readonly kind: "stood still"; readonly seconds: number }
  /** The probe itself ended in silence. */
  | { readonly kind: "died"; readonly exit: ProcessExit };

/** What one run of the probe showed. */
export interface Probed {
  /** Steps that succeeded, in their order, as src/vmm/kvm/probe/ names them. */
  readonly passed: readonly string[];
  readonly end: ProbeEnd;
}

/** What is probed with what; a test puts its own in their place. */
export interface ProbeOptions {
  readonly program?: string;
  readonly device?: string;
  /** Half a second is enough where KVM is itself emulated. */
  readonly deadlineMs?: number;
  readonly signal?: AbortSignal | undefined;
}

const DEADLINE_MS = 5000;

/** How long a killed probe may take to go: one that the kernel holds is left to it. */
const GONE_MS = 1000;

/** No line of the probe's is longer, and no walk has more of them. */
const STEP = /^[\w ]{1,32}$/;
const MOST_STEPS = 32;

export const KVM_DEVICE = "/dev/kvm";

/** Where the probe lies, built by scripts/build-init.mjs. */
export function kvmProbe(): string {
  return packageFile(`dist/guest/kvm-probe.${hostArch()}`);
}

/**
 * Runs a guest under KVM to where a kernel and its programs walk; never longer than the
 * deadline. A host's KVM that stands still takes the probe along, never this process.
 */
export async function probeKvm(options: ProbeOptions = {}): Promise<Probed> {
  const { program = kvmProbe(), device = KVM_DEVICE, deadlineMs = DEADLINE_MS, signal } = options;
  const lines: string[] = [];
  throwIfAborted(signal);
  const child = await startProcess(program, [device], {
    purpose: "try KVM",
    onLine: (line) => {
      if (lines.length < MOST_STEPS) lines.push(line);
    },
  });
  const exit = await soon(child.exited, deadlineMs, signal);
  if (exit === undefined) await soon(child.stop({ graceMs: 0 }), GONE_MS);
  return { passed: stepsOf(lines), end: endOf(lines, exit, deadlineMs) };
}

/** What `promise` gives within `ms`, else undefined; an abort is as good as the time's end. */
async function soon<T>(
  promise: Promise<T>,
  ms: number,
  signal?: AbortSignal,
): Promise<T | undefined> {
  let stopWaiting = (): void => {};
  const late = new Promise<undefined>((resolve) => {
    const give = (): void => resolve(undefined);
    const timer = setTimeout(give, ms);
    signal?.addEventListener("abort", give, { once: true });
    stopWaiting = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", give);
    };
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    stopWaiting();
  }
}

function stepsOf(lines: readonly string[]): string[] {
  return lines.filter((line) => STEP.test(line) && line !== "works" && !line.startsWith("failed"));
}

function endOf(
  lines: readonly string[],
  exit: ProcessExit | undefined,
  deadlineMs: number,
): ProbeEnd {
  const last = lines.at(-1) ?? "";
  if (exit === undefined) return { kind: "stood still", seconds: deadlineMs / 1000 };
  if (exit.code === 0 && last === "works") return { kind: "works" };
  const refused = /^failed (\w+) (\d{1,4})$/.exec(last);
  if (refused !== null) return { kind: "refused", call: refused[1]!, errno: Number(refused[2]) };
  const strayed = /^failed \w+: ([\w ]+)$/.exec(last);
  if (strayed !== null) return { kind: "strayed", words: strayed[1]! };
  return { kind: "died", exit };
}
