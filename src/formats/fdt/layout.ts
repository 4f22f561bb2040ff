import { be32, be64, struct } from "../../bytes/index.ts";

/*
 * Flattened device tree: how loaders tell arm64's kernel about the machine.
 *
 *   fdt_header (40) | reservations, up to one of zeros | structure block | strings block
 *
 * The structure block is a row of 4-byte tokens: BEGIN_NODE and a name, PROP with length, name
 * (as offset into the strings) and value, END_NODE, NOP, END. Names are those of the Devicetree
 * Specification 0.4, chapter 5. Big-endian throughout.
 */

export const fdtHeader = struct("fdt_header", 40, [
  [0x00, "magic", be32], // 0xd00dfeed
  [0x04, "totalsize", be32],
  [0x08, "off_dt_struct", be32],
  [0x0c, "off_dt_strings", be32],
  [0x10, "off_mem_rsvmap", be32],
  [0x14, "version", be32], // 17
  [0x18, "last_comp_version", be32], // 16
  [0x1c, "boot_cpuid_phys", be32],
  [0x20, "size_dt_strings", be32],
  [0x24, "size_dt_struct", be32],
]);

export const fdtReserveEntry = struct("fdt_reserve_entry", 16, [
  [0x0, "address", be64],
  [0x8, "size", be64],
]);

/** What follows an FDT_PROP token. */
export const fdtProperty = struct("fdt_prop", 8, [
  [0x0, "len", be32],
  [0x4, "nameoff", be32],
]);

export const FDT_MAGIC = 0xd00dfeed;
export const FDT_VERSION = 17;
export const FDT_LAST_COMP_VERSION = 16;

/** Tokens of the structure block. */
export const FDT = {
  FDT_BEGIN_NODE: 1,
  FDT_END_NODE: 2,
  FDT_PROP: 3,
  FDT_NOP: 4,
  FDT_END: 9,
} as const;

/** Tokens and values are padded to this. */
export const TOKEN_BYTES = 4;
