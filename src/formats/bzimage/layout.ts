import { le16, le32, le64, struct, u8 } from "../../bytes/index.ts";

/*
 * bzImage: what `make bzImage` builds for x86.
 *
 *   boot sector and real-mode code: (setup_sects + 1) * 512 bytes, the setup header in it
 *   | protected-mode code: syssize * 16 bytes, the compressed kernel (the payload) in it
 *   | signature, where somebody signed it for EFI
 *
 * Names are those of Documentation/arch/x86/boot.rst, "The Real-Mode Kernel Header" (in
 * arch/x86/boot/header.S: `hdr`). The file is a PE image, too, where it has an EFI stub.
 */

/** The setup header: the file's bytes 0x1f1 to 0x26c; older protocols have the first part of it. */
export const setupHeader = struct("setup_header", 0x7b, [
  [0x00, "setup_sects", u8], // 0 means 4
  [0x01, "root_flags", le16],
  [0x03, "syssize", le32], // of the protected-mode code, in 16 bytes
  [0x07, "ram_size", le16],
  [0x09, "vid_mode", le16],
  [0x0b, "root_dev", le16],
  [0x0d, "boot_flag", le16], // 0xaa55
  [0x0f, "jump", le16], // its second byte: how far behind 0x202 the header ends
  [0x11, "header", le32], // "HdrS"
  [0x15, "version", le16], // 0x020f: 2.15
  [0x17, "realmode_swtch", le32],
  [0x1b, "start_sys_seg", le16],
  [0x1d, "kernel_version", le16], // 0x200 less than the offset of the version's text; 0: none
  [0x1f, "type_of_loader", u8],
  [0x20, "loadflags", u8],
  [0x21, "setup_move_size", le16],
  [0x23, "code32_start", le32], // where the loader jumps to
  [0x27, "ramdisk_image", le32], // address of the initrd, written by the loader
  [0x2b, "ramdisk_size", le32],
  [0x2f, "bootsect_kludge", le32],
  [0x33, "heap_end_ptr", le16],
  [0x35, "ext_loader_ver", u8],
  [0x36, "ext_loader_type", u8],
  [0x37, "cmd_line_ptr", le32],
  [0x3b, "initrd_addr_max", le32], // 2.03
  [0x3f, "kernel_alignment", le32], // 2.05
  [0x43, "relocatable_kernel", u8],
  [0x44, "min_alignment", u8], // 2.10
  [0x45, "xloadflags", le16], // 2.12
  [0x47, "cmdline_size", le32], // 2.06; without the NUL
  [0x4b, "hardware_subarch", le32], // 2.07
  [0x4f, "hardware_subarch_data", le64],
  [0x57, "payload_offset", le32], // 2.08; from the protected-mode code's start
  [0x5b, "payload_length", le32],
  [0x5f, "setup_data", le64], // 2.09
  [0x67, "pref_address", le64], // 2.10
  [0x6f, "init_size", le32], // memory from the load address on that unpacking needs
  [0x73, "handover_offset", le32], // 2.11
  [0x77, "kernel_info_offset", le32], // 2.15
]);

/** Where the setup header begins in the file. */
export const SETUP_HEADER_OFFSET = 0x1f1;
export const BOOT_FLAG = 0xaa55;
/** "HdrS" */
export const SETUP_MAGIC = 0x53726448;
/** Added to `kernel_version`. */
export const VERSION_BASE = 0x200;
/** The jump's distance is counted from here. */
export const JUMP_BASE = 0x202;
/** `setup_sects` and the boot sector count in these. */
export const SECTOR_BYTES = 512;
/** `syssize` counts in these. */
export const PARAGRAPH_BYTES = 16;
/** Where loaders put protected-mode code with LOADED_HIGH, and enter it; others may move it. */
export const HIGH_ADDRESS = 0x100000;
/** From the code's start: where loaders enter it in long mode. */
export const ENTRY_64 = 0x200;
/** The protocol that brought `pref_address` and `init_size`. */
export const INIT_SIZE_VERSION = 0x020a;
/** The protocol that brought `payload_offset`. */
export const PAYLOAD_VERSION = 0x0208;

/** Bits of `loadflags`. */
export const LOADFLAGS = { LOADED_HIGH: 1 << 0, KASLR_FLAG: 1 << 1, CAN_USE_HEAP: 1 << 7 } as const;

/** Bits of `xloadflags`. */
export const XLOADFLAGS = {
  /** There is a 64-bit entry. */
  XLF_KERNEL_64: 1 << 0,
  XLF_EFI_HANDOVER_32: 1 << 2,
  XLF_EFI_HANDOVER_64: 1 << 3,
} as const;
