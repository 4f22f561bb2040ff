import { le32, le64, struct } from "../bytes/index.ts";

/** arm64 Image header (Documentation/arch/arm64/booting.rst): 64 bytes, little-endian. */
export const imageHeader = struct("arm64_image_header", 0x40, [
  [0x00, "code0", le32],
  [0x04, "code1", le32],
  [0x08, "text_offset", le64],
  [0x10, "image_size", le64],
  [0x18, "flags", le64],
  [0x20, "res2", le64],
  [0x28, "res3", le64],
  [0x30, "res4", le64],
  [0x38, "magic", le32], // "ARM\x64"
  [0x3c, "res5", le32],
]);

/** "ARM\x64" */
export const IMAGE_MAGIC = 0x644d5241;

/** The head of a self-decompressing EFI image (drivers/firmware/efi/libstub/zboot-header.S). */
export const zbootHeader = struct("efi_zboot_header", 0x8, [
  [0x00, "mz", le32],
  [0x04, "image_type", le32], // "zimg"
]);

/** "zimg" */
export const ZBOOT_MAGIC = 0x676d697a;
