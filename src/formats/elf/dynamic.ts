import { stringAt, type ElfBytes } from "./file.ts";
import { DF_1, DT, elf64Dynamic, PT } from "./layout.ts";
import type { ElfSegment } from "./segments.ts";

/** What a program or library tells the dynamic linker. All are bytes, search paths not yet split. */
export interface ElfDynamic {
  /** DT_NEEDED: names of the libraries it wants, in order. */
  readonly needed: readonly Uint8Array[];
  readonly soname: Uint8Array | undefined;
  /** DT_RUNPATH, or where that is missing DT_RPATH, which also holds for what it loads. */
  readonly runpath: Uint8Array | undefined;
  readonly rpath: Uint8Array | undefined;
  /** DF_1_NODEFLIB: nothing is looked for where the system's libraries are. */
  readonly skipsSystem: boolean;
  /** DF_1_PIE: a program that is linked as a library is, and no library. */
  readonly isProgram: boolean;
}

/** Entries of the dynamic section; the largest known programs have a few hundred. */
const ENTRY_LIMIT = 16_384;
/** Bytes of one name or search path. */
const STRING_LIMIT = 4096;

/** The dynamic section; undefined when there is none. */
export function readDynamic(
  file: ElfBytes,
  segments: readonly ElfSegment[],
): ElfDynamic | undefined {
  const segment = segments.find(({ type }) => type === PT.PT_DYNAMIC);
  if (segment === undefined) return undefined;
  const entries = readEntries(file, segment);
  const first = (tag: bigint) => entries.find(([t]) => t === tag)?.[1];
  const strings = stringTable(file, segments, first(DT.DT_STRTAB), first(DT.DT_STRSZ));
  const string = (offset: bigint) => {
    const found = stringAt(strings, offset, STRING_LIMIT);
    if (found !== undefined) return found;
    throw file.invalid(`the dynamic section names byte ${offset} of its strings: no string`);
  };
  const optional = (tag: bigint) => {
    const offset = first(tag);
    return offset === undefined ? undefined : string(offset);
  };
  const flags = first(DT.DT_FLAGS_1) ?? 0n;
  return {
    skipsSystem: (flags & DF_1.DF_1_NODEFLIB) !== 0n,
    isProgram: (flags & DF_1.DF_1_PIE) !== 0n,
    needed: entries.filter(([tag]) => tag === DT.DT_NEEDED).map(([, offset]) => string(offset)),
    soname: optional(DT.DT_SONAME),
    runpath: optional(DT.DT_RUNPATH),
    rpath: optional(DT.DT_RPATH),
  };
}

type Entry = readonly [tag: bigint, value: bigint];

function readEntries(file: ElfBytes, segment: ElfSegment): Entry[] {
  const size = elf64Dynamic.sizeBytes;
  if (segment.fileSize > ENTRY_LIMIT * size) {
    throw file.invalid(`the dynamic section has ${segment.fileSize} bytes`);
  }
  const table = file.read(segment.offset, segment.fileSize, "the dynamic section");
  const entries: Entry[] = [];
  for (let offset = 0; offset + size <= table.length; offset += size) {
    const entry = elf64Dynamic.read(table, offset);
    if (entry.d_tag === DT.DT_NULL) break;
    entries.push([entry.d_tag, entry.d_un]);
  }
  return entries;
}

/** DT_STRTAB is an address: the loaded segment that holds it says where that is in the file. */
function stringTable(
  file: ElfBytes,
  segments: readonly ElfSegment[],
  address: bigint | undefined,
  size: bigint | undefined,
): Uint8Array {
  if (address === undefined || size === undefined) return new Uint8Array(0);
  for (const { type, offset, fileSize, virtualAddress } of segments) {
    const inside = address - virtualAddress;
    if (type !== PT.PT_LOAD || inside < 0n || inside + size > fileSize) continue;
    return file.read(offset + inside, size, "the dynamic section's strings");
  }
  throw file.invalid(`no segment holds the dynamic section's strings at 0x${address.toString(16)}`);
}
