/** kernel/: where a kernel comes from, what it needs loaded, and the initramfs it starts with. */
export { findKernel, type FindKernelOptions } from "./find-kernel.ts";
export { DECOMPRESSOR_HEAD_BYTES, decompressorBytes } from "./decompressor-memory.ts";
export {
  archiveBehind,
  bootArchive,
  buildInitrd,
  runArchive,
  type InitrdContents,
} from "./initrd.ts";
export { kernelEndBytes } from "./kernel-end.ts";
export {
  leastMemory,
  showMemory,
  type MemoryNeeded,
  type MemoryPart,
  type MemoryRequest,
} from "./memory-needed.ts";
export type { DeviceKind } from "./module-order.ts";
export type { Kernel, KernelArch, KernelPackageFile, KernelPackages } from "./kernel.ts";
export { identifyKernel, type KernelFormat } from "./image.ts";
export {
  capabilitiesOf,
  type Finding,
  kernelCapabilities,
  type KernelCapabilities,
  takesInitramfs,
} from "./capabilities.ts";
export { checkCanBoot, type KernelNeeds } from "./can-boot.ts";
export type { DecompressorName, FeatureName } from "./feature-marks.ts";
export { type ListedKernel, listKernels } from "./list-kernels.ts";
export { kernelTexts } from "./kernel-texts.ts";
export { unpackedCopy } from "./unpacked-copy.ts";
export { type UnpackedKernel, unpackKernel, unpackKernelFile } from "./unpack-kernel.ts";
export { pvhEntryOf, readVmlinux } from "./vmlinux.ts";
export {
  cmaBytes,
  encodePackRecord,
  packArm64Image,
  packBzImage,
  packElf,
  type PackedLayout,
  type PackRecord,
  readPackRecord,
} from "./pack/index.ts";
