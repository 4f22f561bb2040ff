import { stringAt, type ElfBytes } from "./file.ts";
import { elf64Symbol, SHN_UNDEF } from "./layout.ts";
import type { ElfSection } from "./sections.ts";

/** Symbols that are looked at; the largest browsers import a few thousand. */
const SYMBOL_LIMIT = 1 << 20;
const NAME_LIMIT = 4096;

/**
 * Names that a program or library asks others for: undefined symbols of .dynsym, each as it
 * stands in .dynstr, without a version. None where the sections were stripped.
 */
export function readImports(
  file: ElfBytes,
  symbols: ElfSection | undefined,
  strings: ElfSection | undefined,
): Uint8Array[] {
  if (symbols === undefined || strings === undefined) return [];
  const size = elf64Symbol.sizeBytes;
  if (symbols.size > BigInt(SYMBOL_LIMIT * size)) {
    throw file.invalid(`.dynsym has ${symbols.size} bytes`);
  }
  const table = file.read(symbols.offset, symbols.size, ".dynsym");
  const names = file.read(strings.offset, strings.size, ".dynstr");
  const imports: Uint8Array[] = [];
  for (let at = 0; at + size <= table.length; at += size) {
    const { st_name, st_shndx } = elf64Symbol.read(table, at);
    if (st_shndx !== SHN_UNDEF || st_name === 0) continue;
    const name = stringAt(names, st_name, NAME_LIMIT);
    if (name === undefined) throw file.invalid(`no symbol's name at byte ${st_name} of .dynstr`);
    imports.push(name);
  }
  return imports;
}
