import { stringAt, type ElfBytes } from "./file.ts";
import { elf64SectionHeader, SHN_XINDEX, type elf64Header } from "./layout.ts";

type SectionHeader = ReturnType<typeof elf64SectionHeader.read>;

/** A section: a named range of the file. */
export interface ElfSection {
  readonly name: Uint8Array;
  /** `sh_type`. */
  readonly type: number;
  readonly flags: bigint;
  readonly address: bigint;
  /** Its range in the file, in bytes; not yet checked against the file's size. */
  readonly offset: bigint;
  readonly size: bigint;
  readonly alignment: bigint;
}

/** More sections than a compiler makes of any program; they also bound the work on hostile names. */
const SECTION_LIMIT = 65_536;
const NAME_LIMIT = 1024;

/** The section headers; none when the file was stripped of them. */
export function readSections(
  file: ElfBytes,
  header: ReturnType<typeof elf64Header.read>,
): ElfSection[] {
  if (header.e_shoff === 0n) return [];
  const size = elf64SectionHeader.sizeBytes;
  if (header.e_shentsize !== size) {
    throw file.invalid(`section headers of ${header.e_shentsize} bytes, wanted ${size}`);
  }
  const what = "the table of section headers";
  const first = elf64SectionHeader.read(file.read(header.e_shoff, size, what));
  const count = header.e_shnum === 0 ? first.sh_size : BigInt(header.e_shnum);
  if (count > SECTION_LIMIT) throw file.invalid(`${count} sections, the limit is ${SECTION_LIMIT}`);
  const table = file.read(header.e_shoff, count * BigInt(size), what);
  const headers = Array.from({ length: Number(count) }, (_, i) =>
    elf64SectionHeader.read(table, i * size),
  );
  const index = header.e_shstrndx === SHN_XINDEX ? first.sh_link : header.e_shstrndx;
  const names = nameTable(file, headers, index);
  return headers.map((each) => sectionOf(file, each, names));
}

function nameTable(file: ElfBytes, headers: readonly SectionHeader[], index: number): Uint8Array {
  if (index === 0) return new Uint8Array(1); // SHN_UNDEF: sections without names
  const header = headers[index];
  if (header === undefined) throw file.invalid(`section ${index} of the names does not exist`);
  return file.read(header.sh_offset, header.sh_size, "the names of the sections");
}

function sectionOf(file: ElfBytes, header: SectionHeader, names: Uint8Array): ElfSection {
  const name = stringAt(names, header.sh_name, NAME_LIMIT);
  if (name === undefined) throw file.invalid(`no section name at byte ${header.sh_name}`);
  return {
    name,
    type: header.sh_type,
    flags: header.sh_flags,
    address: header.sh_addr,
    offset: header.sh_offset,
    size: header.sh_size,
    alignment: header.sh_addralign,
  };
}
