import type { ElfBytes } from "./file.ts";
import { elf64ProgramHeader, PN_XNUM, type elf64Header } from "./layout.ts";

/** A segment: a range of the file and where it goes in memory. */
export interface ElfSegment {
  /** `p_type`. */
  readonly type: number;
  readonly flags: number;
  /** Its range in the file, in bytes; not yet checked against the file's size. */
  readonly offset: bigint;
  readonly fileSize: bigint;
  readonly virtualAddress: bigint;
  readonly physicalAddress: bigint;
  /** What it takes in memory, in bytes; what the file does not hold is zero. */
  readonly memorySize: bigint;
  readonly alignment: bigint;
}

/** The program headers. */
export function readSegments(
  file: ElfBytes,
  header: ReturnType<typeof elf64Header.read>,
): ElfSegment[] {
  const { e_phnum: count, e_phentsize: size } = header;
  if (count === 0) return [];
  if (count === PN_XNUM) throw file.invalid("it has 65535 program headers or more");
  if (size !== elf64ProgramHeader.sizeBytes) {
    throw file.invalid(`program headers of ${size} bytes, wanted ${elf64ProgramHeader.sizeBytes}`);
  }
  const table = file.read(header.e_phoff, count * size, "the table of program headers");
  return Array.from({ length: count }, (_, i) => segmentOf(table, i * size));
}

function segmentOf(table: Uint8Array, offset: number): ElfSegment {
  const header = elf64ProgramHeader.read(table, offset);
  return {
    type: header.p_type,
    flags: header.p_flags,
    offset: header.p_offset,
    fileSize: header.p_filesz,
    virtualAddress: header.p_vaddr,
    physicalAddress: header.p_paddr,
    memorySize: header.p_memsz,
    alignment: header.p_align,
  };
}
