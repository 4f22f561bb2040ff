/** elf: programs, libraries, kernels and kernel modules, as far as wick must understand them. */
export { identifyElf, type ElfIdentity, type ElfType } from "./identity.ts";
export type { ElfDynamic } from "./dynamic.ts";
export { elfEnd } from "./extent.ts";
export type { ElfSubject } from "./file.ts";
export { elf64Header, elf64ProgramHeader, PT } from "./layout.ts";
export {
  type FilledRange,
  filledRanges,
  joinedRanges,
  type LoadPiece,
  loadPieces,
} from "./load-pieces.ts";
export { readModuleInfo, type ModuleInfo } from "./modinfo.ts";
export type { ElfNote } from "./notes.ts";
export { ElfFile, readElf } from "./reader.ts";
export type { ElfSection } from "./sections.ts";
export type { ElfSegment } from "./segments.ts";
export {
  libraryClosure,
  type LibraryClosure,
  type LinkedFile,
  type LinkedProgram,
  type MissingFile,
} from "./linker/closure.ts";
export type { LinkerFile, LinkerRoot } from "./linker/linker-root.ts";
