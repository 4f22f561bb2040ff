/** kernel/pack: an initramfs beside the kernel in one file that boots. */
export { packArm64Image } from "./arm64.ts";
export { packBzImage } from "./bzimage.ts";
export { cmaBytes } from "./cma.ts";
export { packElf } from "./elf.ts";
export { encodePackRecord, readPackRecord } from "./record.ts";
export type { PackedLayout, PackRecord, PackRequest } from "./types.ts";
