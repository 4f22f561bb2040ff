/** qemu/: QEMU as a VMM: its arguments, its control connection, its start and end. */
import type { Vmm } from "../vmm.ts";
import { commandByHand } from "./arguments.ts";
import { kernelWords } from "./platform.ts";
import { startQemu, type QemuOptions } from "./start.ts";
import { qemuVersion } from "./version.ts";

export type { QemuOptions } from "./start.ts";

/** QEMU, found in PATH unless `options` name a program. */
export function qemu(options: QemuOptions = {}): Vmm {
  return {
    name: "qemu",
    guestEnds: () => "power-off",
    kernelWords,
    version: (arch = "x86_64") => qemuVersion(arch),
    start: (spec, signal) => startQemu(spec, options, signal),
    commandByHand,
  };
}
