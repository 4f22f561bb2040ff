import type { MachineSpec } from "../vmm.ts";

/** What differs between the machines that QEMU can be. */
export interface Platform {
  /** The program, by Debian's name. */
  readonly program: string;
  /** `-M`. */
  readonly machine: string;
  /** `-cpu`. */
  readonly cpu: string;
  /** The bus of virtio devices: ends their names. */
  readonly bus: "pci" | "device";
}

/**
 * - x86_64 under TCG: q35, since microvm with ACPI hangs in the calibration of the TSC there.
 *   Its processor says nothing of fast `rep movsb` (ERMS, FSRM), which a kernel would copy and clear
 *   with: TCG goes byte by byte there, and 8 bytes at a time where the kernel's own loops do it.
 * - x86_64 under KVM: microvm with ACPI; distributions' kernels find virtio-mmio only that way.
 *   Under KVM it has no clock chip unless told, and ACPI does not say so: the kernel asks for it a
 *   thousand times before it gives up.
 * - aarch64 under TCG: cortex-a57; `max` emulates pointer authentication and boots ten times slower.
 *   virtio-pci everywhere on virt: its virtio-mmio slots come in reverse order.
 */
const platforms = {
  x86_64: {
    program: "qemu-system-x86_64",
    console: "ttyS0",
    tcg: { machine: "q35", cpu: "max,-erms,-fsrm", bus: "pci" },
    kvm: { machine: "microvm,acpi=on,rtc=on", cpu: "host", bus: "device" },
  },
  aarch64: {
    program: "qemu-system-aarch64",
    console: "ttyAMA0",
    tcg: { machine: "virt", cpu: "cortex-a57", bus: "pci" },
    kvm: { machine: "virt,gic-version=host", cpu: "host", bus: "pci" },
  },
} as const;

/** The platform for an architecture and accelerator. */
export function platformOf(spec: Pick<MachineSpec, "arch" | "accel">): Platform {
  const { program, ...byAccel } = platforms[spec.arch];
  return { program, ...byAccel[spec.accel] };
}

/** What a kernel needs on its command line in QEMU. */
export function kernelWords(arch: MachineSpec["arch"]): readonly string[] {
  // Where the host is busy, the kernel's test of its timer fails now and then, and says so on the
  // console even when it is to be quiet, amid the application's words.
  const pc = arch === "x86_64" ? ["reboot=t", "no_timer_check"] : [];
  return [`console=${platforms[arch].console}`, "quiet", "panic=-1", ...pc];
}
