import { type ReadableStorage, toSafeNumber } from "../../bytes/index.ts";
import { WickError } from "../../errors/index.ts";
import {
  type ElfSegment,
  filledRanges,
  joinedRanges,
  type LoadPiece,
  loadPieces,
  PT,
} from "../../formats/elf/index.ts";
import { pvhEntryOf, pvhNotesOf, readVmlinux } from "../vmlinux.ts";

/** An ELF kernel for x86_64, checked as far as packing relies on it. Addresses are physical. */
export interface ElfKernel {
  /** What is loaded, in the order of the program headers, without pages of zeros. */
  readonly pieces: readonly LoadPiece[];
  readonly noteSegments: readonly ElfSegment[];
  /** Where VMMs enter it by PVH. */
  readonly pvhEntry: number | undefined;
  /** Where loaders of the 64-bit Linux boot protocol enter it. */
  readonly entry64: number | undefined;
  /** Its first byte. */
  readonly start: number;
  /** Behind the last byte that it takes. */
  readonly end: number;
}

/** More than that are of no use: a distribution's kernel has five segments and forty holes. */
const SEGMENT_LIMIT = 256;
const PIECE_LIMIT = 1024;
const PVH_NOTE_LIMIT = 8;
/** Both boot protocols map the first GiB: Firecracker its page tables, PVH the kernel's own. */
const MAPPED_BYTES = 1 << 30;

/** Errors: KERNEL_INVALID. */
export function readElfKernel(kernel: ReadableStorage, name: string): ElfKernel {
  const elf = readVmlinux(kernel, `the kernel ${name}`);
  const { type, architecture } = elf.identity;
  if (architecture !== "x86_64" || type !== "executable") {
    throw refusal(name, `an ELF file of type ${type} for ${architecture}`, "a vmlinux for x86_64");
  }
  const loaded = elf.segments.filter((one) => one.type === PT.PT_LOAD && one.memorySize > 0n);
  checkSegments(loaded, { storage: kernel, name });
  const pvhNotes = pvhNotesOf(elf).length;
  if (pvhNotes > PVH_NOTE_LIMIT) throw refusal(name, `${pvhNotes} PVH notes`, "one");
  const starts = loaded.map((one) => Number(one.physicalAddress));
  const ends = loaded.map((one) => one.physicalAddress + one.memorySize);
  const pvhEntry = pvhEntryOf(elf);
  const entries = {
    pvhEntry: pvhEntry !== undefined && isLoaded(loaded, BigInt(pvhEntry)) ? pvhEntry : undefined,
    entry64: isLoaded(loaded, elf.entry) ? toSafeNumber(elf.entry, "e_entry") : undefined,
  };
  if (entries.pvhEntry === undefined && entries.entry64 === undefined) {
    const is = `neither its PVH entry nor e_entry (0x${elf.entry.toString(16)}) is in a segment`;
    throw refusal(name, is, "a physical address that is loaded");
  }
  return {
    ...entries,
    pieces: piecesOf(kernel, loaded),
    noteSegments: elf.segments.filter((one) => one.type === PT.PT_NOTE),
    start: Math.min(...starts),
    end: Number(ends.reduce((last, one) => (one > last ? one : last))),
  };
}

function refusal(name: string, is: string, wanted: string): WickError {
  return new WickError("KERNEL_INVALID", `Cannot pack the kernel ${name}: ${is}, wanted ${wanted}`);
}

/** Every segment in the file, in memory that is mapped, and no two in one place. */
function checkSegments(
  loaded: readonly ElfSegment[],
  { storage, name }: { readonly storage: ReadableStorage; readonly name: string },
): void {
  if (loaded.length === 0 || loaded.length > SEGMENT_LIMIT) {
    throw refusal(name, `${loaded.length} segments to load`, `1 to ${SEGMENT_LIMIT}`);
  }
  for (const { offset, fileSize, memorySize, physicalAddress } of loaded) {
    if (offset + fileSize > storage.sizeBytes) {
      const is = `a segment ends at byte ${offset + fileSize}, the file at ${storage.sizeBytes}`;
      throw refusal(name, is, "all of it");
    }
    if (fileSize > memorySize) {
      const is = `a segment has ${fileSize} bytes for ${memorySize} of memory`;
      throw refusal(name, is, "no more than those");
    }
    if (physicalAddress + memorySize > MAPPED_BYTES) {
      const is = `a segment ends at 0x${(physicalAddress + memorySize).toString(16)}`;
      throw refusal(name, is, "an address below 1 GiB");
    }
  }
  const sorted = loaded.toSorted((a, b) => Number(a.physicalAddress - b.physicalAddress));
  const overlap = sorted.find((one, i) => {
    const next = sorted[i + 1];
    return next !== undefined && one.physicalAddress + one.memorySize > next.physicalAddress;
  });
  if (overlap === undefined) return;
  const at = overlap.physicalAddress.toString(16);
  throw refusal(name, `the segment at 0x${at} overlaps another one`, "none that do");
}

function isLoaded(loaded: readonly ElfSegment[], address: bigint): boolean {
  return loaded.some(
    ({ physicalAddress, fileSize }) =>
      address >= physicalAddress && address < physicalAddress + fileSize,
  );
}

/** The fewer, the larger the holes must be that they are cut at. */
function piecesOf(kernel: ReadableStorage, loaded: readonly ElfSegment[]): LoadPiece[] {
  const filled = loaded.map((segment) => filledRanges(kernel, segment));
  for (let leastHole = 4096; ; leastHole *= 2) {
    const pieces = loaded.flatMap((segment, i) =>
      loadPieces(kernel, segment, joinedRanges(filled[i]!, leastHole)),
    );
    if (pieces.length <= PIECE_LIMIT) return pieces;
  }
}
