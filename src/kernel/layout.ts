import { le16, le32, le64, struct, u8 } from "../bytes/index.ts";

/** x86 setup header, the part read here (Documentation/arch/x86/boot.rst): the file's byte 0x1f1 on. */
export const setupHeader = struct("setup_header", 0x21, [
  [0x00, "setup_sects", u8],
  [0x01, "root_flags", le16],
  [0x03, "syssize", le32],
  [0x07, "ram_size", le16],
  [0x09, "vid_mode", le16],
  [0x0b, "root_dev", le16],
  [0x0d, "boot_flag", le16], // 0xaa55
  [0x0f, "jump", le16],
  [0x11, "header", le32], // "HdrS"
  [0x15, "version", le16], // 0x0200 and up
  [0x17, "realmode_swtch", le32],
  [0x1b, "start_sys_seg", le16],
  [0x1d, "kernel_version", le16], // 0x200 less than the offset of the version's text; 0: none
  [0x1f, "type_of_loader", u8],
  [0x20, "loadflags", u8],
]);

/** Where the setup header begins in the file. */
export const SETUP_HEADER_OFFSET = 0x1f1;
export const BOOT_FLAG = 0xaa55;
/** "HdrS" */
export const SETUP_MAGIC = 0x53726448;
/** Added to `kernel_version`. */
export const VERSION_BASE = 0x200;

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
