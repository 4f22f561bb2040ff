import { le16, le32, le64, raw, struct, u8 } from "../../bytes/index.ts";

/*
 * ELF, 64-bit little-endian: a header that says where two tables lie. Program headers
 * (segments) say what the kernel and the dynamic linker load; section headers name the
 * parts for linkers and, in kernel modules, for modprobe.
 *
 *   header (64) | … segments' and sections' bytes … | tables, anywhere
 *
 * Names are those of elf.h. Sources: gABI chapters 4 and 5, include/uapi/linux/elf.h.
 */

/** The first 16 bytes, the same in every ELF file. */
export const elfIdent = struct("e_ident", 16, [
  [0, "EI_MAG", raw(4)], // 0x7f, "ELF"
  [4, "EI_CLASS", u8],
  [5, "EI_DATA", u8],
  [6, "EI_VERSION", u8], // 1
  [7, "EI_OSABI", u8],
  [8, "EI_ABIVERSION", u8],
  [9, "EI_PAD", raw(7)],
]);

export const ELFMAG = 0x7f454c46;
export const ELFCLASS = { ELFCLASS32: 1, ELFCLASS64: 2 } as const;
export const ELFDATA = { ELFDATA2LSB: 1, ELFDATA2MSB: 2 } as const;

/** Where `e_type` and `e_machine` lie in every class; their byte order is EI_DATA's. */
export const E_TYPE_OFFSET = 16;
export const E_MACHINE_OFFSET = 18;

export const elf64Header = struct("Elf64_Ehdr", 64, [
  [0, "e_ident", raw(16)],
  [16, "e_type", le16],
  [18, "e_machine", le16],
  [20, "e_version", le32], // 1
  [24, "e_entry", le64],
  [32, "e_phoff", le64],
  [40, "e_shoff", le64],
  [48, "e_flags", le32],
  [52, "e_ehsize", le16],
  [54, "e_phentsize", le16], // 56
  [56, "e_phnum", le16],
  [58, "e_shentsize", le16], // 64
  [60, "e_shnum", le16], // 0 = section 0's sh_size says
  [62, "e_shstrndx", le16], // SHN_XINDEX = section 0's sh_link says
]);

export const elf64ProgramHeader = struct("Elf64_Phdr", 56, [
  [0, "p_type", le32],
  [4, "p_flags", le32],
  [8, "p_offset", le64],
  [16, "p_vaddr", le64],
  [24, "p_paddr", le64],
  [32, "p_filesz", le64],
  [40, "p_memsz", le64],
  [48, "p_align", le64],
]);

export const elf64SectionHeader = struct("Elf64_Shdr", 64, [
  [0, "sh_name", le32],
  [4, "sh_type", le32],
  [8, "sh_flags", le64],
  [16, "sh_addr", le64],
  [24, "sh_offset", le64],
  [32, "sh_size", le64],
  [40, "sh_link", le32],
  [44, "sh_info", le32],
  [48, "sh_addralign", le64],
  [56, "sh_entsize", le64],
]);

export const elf64Dynamic = struct("Elf64_Dyn", 16, [
  [0, "d_tag", le64],
  [8, "d_un", le64],
]);

export const elf64Symbol = struct("Elf64_Sym", 24, [
  [0, "st_name", le32],
  [4, "st_info", u8],
  [5, "st_other", u8],
  [6, "st_shndx", le16], // SHN_UNDEF = another file has it
  [8, "st_value", le64],
  [16, "st_size", le64],
]);

/** Header of a note: its name follows, then its descriptor, each padded to 4 (or 8) bytes. */
export const elfNoteHeader = struct("Elf64_Nhdr", 12, [
  [0, "n_namesz", le32], // its NUL counted
  [4, "n_descsz", le32],
  [8, "n_type", le32],
]);

export const ET = { ET_REL: 1, ET_EXEC: 2, ET_DYN: 3, ET_CORE: 4 } as const;
export const PT = { PT_LOAD: 1, PT_DYNAMIC: 2, PT_INTERP: 3, PT_NOTE: 4 } as const;
export const SHT = { SHT_NOTE: 7, SHT_NOBITS: 8 } as const;
export const SHN_UNDEF = 0;
export const SHN_XINDEX = 0xffff;
export const PN_XNUM = 0xffff;

/** `d_tag` values. */
export const DT = {
  DT_NULL: 0n,
  DT_NEEDED: 1n,
  DT_STRTAB: 5n,
  DT_STRSZ: 10n,
  DT_SONAME: 14n,
  DT_RPATH: 15n,
  DT_RUNPATH: 29n,
  DT_FLAGS_1: 0x6ffffffbn,
} as const;

/** Bits of DT_FLAGS_1. */
export const DF_1 = {
  DF_1_NODEFLIB: 0x800n,
  DF_1_PIE: 0x0800_0000n,
} as const;

/** `e_machine` (include/uapi/linux/elf-em.h). */
export const EM = {
  EM_386: 3,
  EM_MIPS: 8,
  EM_PPC: 20,
  EM_PPC64: 21,
  EM_S390: 22,
  EM_ARM: 40,
  EM_SPARCV9: 43,
  EM_X86_64: 62,
  EM_AARCH64: 183,
  EM_RISCV: 243,
  EM_LOONGARCH: 258,
} as const;
