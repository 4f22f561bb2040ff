/** kernel/pack: an initramfs beside the kernel in one file that boots. */
export { packArm64Image } from "./arm64.ts";
export { cmaBytes } from "./cma.ts";
export { encodePackRecord, readPackRecord } from "./record.ts";
export type { PackedLayout, PackRecord } from "./types.ts";
