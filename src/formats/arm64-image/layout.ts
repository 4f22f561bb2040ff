import { le32, le64, raw, struct } from "../../bytes/index.ts";

/*
 * Image: what arm64's kernel is before anything compresses it, as it lies in memory.
 *
 *   header (64) | PE header where there is an EFI stub | code, data | … .bss …
 *                                          the file ends here ──┘        └── image_size
 *
 * The loader copies the file to text_offset bytes from a 2 MiB boundary, keeps image_size
 * bytes from there on clear of anything else, and jumps to the header's first instruction.
 * Names are those of Documentation/arch/arm64/booting.rst, "Call the kernel image", and of
 * arch/arm64/include/asm/image.h.
 */

/** The Image's header, little-endian also where the kernel is not. */
export const imageHeader = struct("arm64_image_header", 0x40, [
  [0x00, "code0", le32], // the first instruction: a branch, or one that reads "MZ" and does nothing
  [0x04, "code1", le32], // the branch, where code0 is none
  [0x08, "text_offset", le64],
  [0x10, "image_size", le64], // 0: before Linux 3.17
  [0x18, "flags", le64],
  [0x20, "res2", le64],
  [0x28, "res3", le64],
  [0x30, "res4", le64],
  [0x38, "magic", le32], // "ARM\x64"
  [0x3c, "res5", le32], // offset of the PE header, 0: no EFI stub
]);

/** "ARM\x64" */
export const IMAGE_MAGIC = 0x644d5241;

/** Bits of `flags`. */
export const IMAGE_FLAGS = {
  BIG_ENDIAN: 1n << 0n,
  /** Two bits: 0 not told, 1 = 4 KiB, 2 = 16 KiB, 3 = 64 KiB. */
  PAGE_SIZE_SHIFT: 1n,
  PAGE_SIZE_MASK: 3n,
  /** The 2 MiB boundary may be anywhere in memory, not just near its start. */
  PHYSICAL_ANYWHERE: 1n << 3n,
} as const;

/** "MZ", the first two bytes of an EFI application. */
export const MZ_MAGIC = 0x5a4d;

/*
 * B: branch, to `imm26` instructions from itself, signed (Arm Architecture Reference Manual,
 * "B": 000101 imm26).
 */
export const BRANCH_OPCODE = 0b000101;
export const BRANCH_OPCODE_SHIFT = 26;
export const INSTRUCTION_BYTES = 4;
/** A branch reaches as far as this in bytes, backwards; forwards one instruction less. */
export const BRANCH_REACH = 1 << 27;

/** The head of an EFI application that unpacks the Image in it (zboot-header.S, Linux 6.1). */
export const zbootHeader = struct("efi_zboot_header", 0x40, [
  [0x00, "mz", le32], // "MZ"
  [0x04, "image_type", le32], // "zimg"
  [0x08, "payload_offset", le32],
  [0x0c, "payload_size", le32],
  [0x10, "reserved", le64],
  [0x18, "compression_type", raw(32)], // "gzip", "zstd22", …
  [0x38, "linux_pe_magic", le32],
  [0x3c, "pe_header_offset", le32],
]);

/** "zimg" */
export const ZBOOT_MAGIC = 0x676d697a;
