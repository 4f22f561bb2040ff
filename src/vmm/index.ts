/** vmm/: one interface to virtual machine monitors, and the drivers behind it. */
export type { Drive, Machine, MachineSpec, PortForward, TapCard, Vmm, VmmExit } from "./vmm.ts";
export { firecracker, type FirecrackerOptions } from "./firecracker/index.ts";
export { qemu, type QemuOptions } from "./qemu/index.ts";
export { untilInitEnds } from "./until-init-ends.ts";
export { classifyConsole, endOfInit } from "./classify-console.ts";
export { kvmVerdict, type KvmVerdict, type VerdictOptions } from "./kvm/index.ts";
export { shellLine } from "./shell-line.ts";
