import { storageOf, toSafeNumber } from "../../bytes/index.ts";
import { ElfBytes, type ElfSubject } from "./file.ts";
import { elf64Header, elf64ProgramHeader, elf64SectionHeader, SHT } from "./layout.ts";
import { readElf } from "./reader.ts";

/**
 * Where the last part of an ELF file ends: header, tables, segments and sections. Bytes behind
 * it belong to somebody else. Errors: the subject's, also for a part that is not in the file.
 */
export function elfEnd(bytes: Uint8Array, subject: ElfSubject): number {
  const file = new ElfBytes(storageOf(bytes), subject);
  const elf = readElf(bytes, subject);
  const header = elf64Header.read(bytes);
  const programs = BigInt(header.e_phnum * elf64ProgramHeader.sizeBytes);
  const sections = BigInt(elf.sections.length * elf64SectionHeader.sizeBytes);
  const ends = [
    BigInt(elf64Header.sizeBytes),
    header.e_phoff + programs,
    ...(sections === 0n ? [] : [header.e_shoff + sections]),
    ...elf.segments.map(({ offset, fileSize }) => (fileSize === 0n ? 0n : offset + fileSize)),
    ...elf.sections.map(({ type, offset, size }) =>
      type === SHT.SHT_NOBITS || size === 0n ? 0n : offset + size,
    ),
  ];
  const end = ends.reduce((last, one) => (one > last ? one : last));
  if (end <= bytes.length) return toSafeNumber(end, "the end of the ELF file");
  throw file.invalid(`it is truncated: its parts end at byte ${end}, the file at ${bytes.length}`);
}
