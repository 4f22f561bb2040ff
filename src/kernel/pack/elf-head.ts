import { alignUp, bytesOf, type ReadableStorage, stretchOf } from "../../bytes/index.ts";
import {
  elf64Header,
  elf64ProgramHeader,
  type ElfSegment,
  type LoadPiece,
  PT,
} from "../../formats/elf/index.ts";

/** A program header that packing adds. */
export interface AddedSegment {
  readonly flags: number;
  readonly address: number;
  readonly fileBytes: number;
  readonly memoryBytes: number;
}

/** The head of an ELF file that is built anew, and where what follows it ends. */
export interface CompactHead {
  /** Header, program headers, notes: the file's first bytes. */
  readonly bytes: Uint8Array;
  /** Where the program headers end; room for those that are added follows. */
  readonly tableEnd: number;
  /** Behind the last piece's bytes, which follow the head back to back. */
  readonly end: number;
}

type ProgramHeader = ReturnType<typeof elf64ProgramHeader.read>;

/** Of the notes, and of what follows the head: nothing needs more. */
const ALIGNMENT = 16;
/** p_align of what is loaded: no relation between its offset and its address. */
const UNALIGNED = 1n;

/**
 * The head of a kernel without sections: its notes first, then `pieces`, with `room` program
 * headers of zeros behind them. The table ends where e_phnum says, not behind the room.
 */
export function compactHead(
  file: ReadableStorage,
  parts: { readonly notes: readonly ElfSegment[]; readonly pieces: readonly LoadPiece[] },
  room: number,
): CompactHead {
  const count = parts.notes.length + parts.pieces.length;
  const tableEnd = elf64Header.sizeBytes + count * elf64ProgramHeader.sizeBytes;
  const notes = placeNotes(parts.notes, tableEnd + room * elf64ProgramHeader.sizeBytes);
  const headers = [...notes.headers];
  let end = alignUp(notes.end, ALIGNMENT);
  const bytes = new Uint8Array(end);
  for (const piece of parts.pieces) {
    headers.push(loadHeader(piece, end));
    end += piece.contents.sizeBytes;
  }
  elf64Header.write(bytes, headerOf(file, count));
  for (const [i, header] of headers.entries()) {
    elf64ProgramHeader.write(
      bytes,
      header,
      elf64Header.sizeBytes + i * elf64ProgramHeader.sizeBytes,
    );
  }
  for (const [i, { p_offset, p_filesz }] of notes.headers.entries()) {
    const note = { offset: Number(parts.notes[i]!.offset), sizeBytes: Number(p_filesz) };
    bytes.set(bytesOf(stretchOf(file, note)), Number(p_offset));
  }
  return { bytes, tableEnd, end };
}

/** The program header of an added segment whose bytes lie at `offset`. */
export function addedHeader(
  { flags, address, fileBytes, memoryBytes }: AddedSegment,
  offset: number,
): Uint8Array {
  return elf64ProgramHeader.encode({
    p_type: PT.PT_LOAD,
    p_flags: flags,
    p_offset: BigInt(offset),
    p_vaddr: BigInt(address),
    p_paddr: BigInt(address),
    p_filesz: BigInt(fileBytes),
    p_memsz: BigInt(memoryBytes),
    p_align: UNALIGNED,
  });
}

function headerOf(file: ReadableStorage, count: number): ReturnType<typeof elf64Header.read> {
  return {
    ...elf64Header.read(bytesOf(stretchOf(file, { offset: 0, sizeBytes: elf64Header.sizeBytes }))),
    e_phoff: BigInt(elf64Header.sizeBytes),
    e_phentsize: elf64ProgramHeader.sizeBytes,
    e_phnum: count,
    e_shoff: 0n, // no sections
    e_shentsize: 0,
    e_shnum: 0,
    e_shstrndx: 0,
  };
}

function placeNotes(
  notes: readonly ElfSegment[],
  start: number,
): { headers: ProgramHeader[]; end: number } {
  let end = start;
  const headers = notes.map((note): ProgramHeader => {
    const offset = alignUp(end, ALIGNMENT);
    end = offset + Number(note.fileSize);
    return {
      p_type: PT.PT_NOTE,
      p_flags: note.flags,
      p_offset: BigInt(offset),
      p_vaddr: note.virtualAddress,
      p_paddr: note.physicalAddress,
      p_filesz: note.fileSize,
      p_memsz: note.memorySize,
      p_align: note.alignment,
    };
  });
  return { headers, end };
}

function loadHeader(piece: LoadPiece, offset: number): ProgramHeader {
  return {
    p_type: PT.PT_LOAD,
    p_flags: piece.flags,
    p_offset: BigInt(offset),
    p_vaddr: piece.virtualAddress,
    p_paddr: piece.physicalAddress,
    p_filesz: BigInt(piece.contents.sizeBytes),
    p_memsz: piece.memorySize,
    p_align: UNALIGNED,
  };
}
