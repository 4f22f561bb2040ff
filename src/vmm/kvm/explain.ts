import { getSystemErrorName } from "node:util";
import type { Probed, ProbeEnd } from "./probe.ts";

/** Whether guests run under this host's KVM, and what says so. */
export interface KvmVerdict {
  readonly works: boolean;
  /** One clause, without a full stop. */
  readonly reason: string;
  /** What the user can do about it; absent when it works. */
  readonly hint?: string;
  /** Whether only the right to open the device is missing. */
  readonly isPermission?: boolean;
  /** What the probe passed, in its order. */
  readonly passed: readonly string[];
  /** Whether an earlier run of this boot of the host found it. */
  readonly isRemembered?: boolean;
}

type Explained = Omit<KvmVerdict, "passed" | "works">;

/** errno(3) of the calls that are refused for a known reason. */
const EACCES = 13;
const EPERM = 1;
const ENOENT = 2;
const EBUSY = 16;
const ENODEV = 19;
const ENXIO = 6;

const HOST_HINT = "a host that is itself a virtual machine must be given nested virtualisation";

/** The verdict of one probe, in words. */
export function explain({ passed, end }: Probed, device: string): KvmVerdict {
  if (end.kind === "works") {
    return { works: true, reason: "a probe guest ran to its end under KVM", passed };
  }
  return { works: false, ...inWords(end, device, passed.at(-1)), passed };
}

function inWords(
  end: Exclude<ProbeEnd, { kind: "works" }>,
  device: string,
  last: string | undefined,
): Explained {
  const where = last === undefined ? "before its first step" : `after the step "${last}"`;
  const hint = `KVM here does not run ordinary guests; ${HOST_HINT}`;
  switch (end.kind) {
    case "refused":
      return refused(end, device);
    case "stood still":
      return { reason: `a probe guest stood still ${where} for ${end.seconds} s`, hint };
    case "strayed":
      return { reason: `a probe guest went astray ${where} (${exitInWords(end.words)})`, hint };
    default: {
      const how = end.exit.signal ?? `status ${end.exit.code}`;
      return { reason: `the probe itself ended ${where} (${how})`, hint };
    }
  }
}

function refused(end: Extract<ProbeEnd, { kind: "refused" }>, device: string): Explained {
  const { call, errno } = end;
  if (call === "open") return notOpened(errno, device);
  if (call === "KVM_CREATE_VM" && errno === EBUSY) {
    return {
      reason: "another hypervisor holds the processor (KVM_CREATE_VM: EBUSY)",
      hint: "end the other hypervisor's machines",
    };
  }
  return { reason: `KVM refused ${call} (${nameOf(errno)})`, hint: HOST_HINT };
}

function notOpened(errno: number, device: string): Explained {
  if (errno === EACCES || errno === EPERM) {
    return {
      reason: `this user may not open ${device} (${nameOf(errno)})`,
      hint: "add the user to the group kvm and log in again",
      isPermission: true,
    };
  }
  if ([ENOENT, ENODEV, ENXIO].includes(errno)) {
    return {
      reason: `this host has no ${device}`,
      hint: `load the module kvm_intel or kvm_amd; ${HOST_HINT}`,
    };
  }
  return { reason: `${device} cannot be opened (${nameOf(errno)})`, hint: HOST_HINT };
}

function nameOf(errno: number): string {
  return getSystemErrorName(-errno);
}

/** Exits of KVM_RUN that a walk has not (include/uapi/linux/kvm.h). */
const exits: Readonly<Record<string, string>> = {
  "exit 5": "it halted",
  "exit 8": "it shut down by a triple fault",
  "exit 9": "the processor refused to enter it",
  "exit 17": "KVM's own emulation failed",
  "station 255": "it found a wrong value",
};

function exitInWords(words: string): string {
  return exits[words] ?? words;
}
