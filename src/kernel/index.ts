/** kernel/: where a kernel comes from, what it needs loaded, and the initramfs it starts with. */
export { findKernel, type FindKernelOptions } from "./find-kernel.ts";
export { buildInitrd, type InitrdContents } from "./initrd.ts";
export type { Kernel, KernelArch, KernelPackageFile, KernelPackages } from "./kernel.ts";
