import { elf64Header, elf64ProgramHeader, PT } from "../../src/formats/elf/index.ts";

/** Where {@link elfKernel} is loaded and entered, physical addresses. */
export const KERNEL_ADDRESS = 0x1000000;
export const PVH_ENTRY = KERNEL_ADDRESS + 0x850;

type Header = Partial<ReturnType<typeof elf64Header.read>>;
type Segment = Partial<ReturnType<typeof elf64ProgramHeader.read>>;

const NOTE_BYTES = 24;
const NOTES = 0x3000;

/**
 * What a vmlinux for x86_64 looks like to loaders: four pages of code with two pages of zeros
 * among them, a page of data with three of bss, a PVH note, a few bytes that stand for sections.
 */
export function elfKernel(
  changes: {
    readonly header?: Header;
    /** Of the first segment, the second, the notes. */
    readonly segments?: readonly Segment[];
    readonly withoutNote?: boolean;
  } = {},
): Buffer {
  const file = Buffer.alloc(0x6100);
  file.fill(0x90, 0x1000, 0x2000).fill(0xf4, 0x4000, 0x5000);
  file.fill(0xdd, 0x5000, 0x6000).fill("sections", 0x6000);
  file.writeUInt32LE(4, NOTES); // n_namesz
  file.writeUInt32LE(8, NOTES + 4); // n_descsz
  file.writeUInt32LE(18, NOTES + 8); // XEN_ELFNOTE_PHYS32_ENTRY
  file.write("Xen\0", NOTES + 12);
  file.writeBigUInt64LE(BigInt(PVH_ENTRY), NOTES + 16);
  const segments: Segment[] = [
    load({ p_offset: 0x1000n, p_filesz: 0x4000n, p_memsz: 0x4000n }),
    load({ p_offset: 0x5000n, p_filesz: 0x1000n, p_memsz: 0x4000n, at: 0x4000n }),
    { p_type: PT.PT_NOTE, p_offset: BigInt(NOTES), p_filesz: BigInt(NOTE_BYTES), p_align: 4n },
  ];
  if (changes.withoutNote === true) segments.pop();
  for (const [i, segment] of segments.entries()) {
    elf64ProgramHeader.write(file, { ...segment, ...changes.segments?.[i] }, 64 + i * 56);
  }
  elf64Header.write(file, {
    e_ident: Buffer.from("7f454c46020101", "hex"),
    e_type: 2,
    e_machine: 62,
    e_version: 1,
    e_entry: BigInt(KERNEL_ADDRESS),
    e_phoff: 64n,
    e_ehsize: 64,
    e_phentsize: 56,
    e_phnum: segments.length,
    ...changes.header,
  });
  return file;
}

function load({ at = 0n, ...segment }: Segment & { readonly at?: bigint }): Segment {
  const p_paddr = BigInt(KERNEL_ADDRESS) + at;
  const p_vaddr = 0xffffffff80000000n + p_paddr;
  return { p_type: PT.PT_LOAD, p_flags: 7, p_vaddr, p_paddr, p_align: 0x1000n, ...segment };
}
