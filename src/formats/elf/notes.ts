import { alignUp } from "../../bytes/index.ts";
import { stringAt, type ElfBytes } from "./file.ts";
import { elfNoteHeader } from "./layout.ts";

/** A note: who wrote it, of which type, and what. `Xen` type 18 holds a kernel's PVH entry address. */
export interface ElfNote {
  /** Without its NUL: `GNU`, `Xen`, `Linux`. */
  readonly name: Uint8Array;
  readonly type: number;
  readonly descriptor: Uint8Array;
  /** Where the descriptor lies in the file, in bytes. */
  readonly descriptorOffset: number;
}

interface Part {
  readonly offset: bigint;
  readonly size: bigint;
  readonly alignment: bigint;
}

const NAME_LIMIT = 256;

/** Bytes of all notes together; a kernel's are a few hundred. Parts may overlap in a hostile file. */
const NOTES_LIMIT = 1 << 20;

/** The notes of all of `parts`: segments or sections. */
export function readNotes(file: ElfBytes, parts: readonly Part[]): ElfNote[] {
  const sizeBytes = parts.reduce((sum, { size }) => sum + size, 0n);
  if (sizeBytes > NOTES_LIMIT) {
    throw file.invalid(`its notes have ${sizeBytes} bytes, the limit is ${NOTES_LIMIT}`);
  }
  return parts.flatMap((part) => notesOf(file, part));
}

function notesOf(file: ElfBytes, part: Part): ElfNote[] {
  const bytes = file.read(part.offset, part.size, "a part with notes");
  const alignment = part.alignment === 8n ? 8 : 4; // GNU property notes are aligned to 8
  const notes: ElfNote[] = [];
  let position = 0;
  while (position + elfNoteHeader.sizeBytes <= bytes.length) {
    const header = elfNoteHeader.read(bytes, position);
    const nameStart = position + elfNoteHeader.sizeBytes;
    const start = alignUp(nameStart + header.n_namesz, alignment);
    const end = start + header.n_descsz;
    if (end > bytes.length) throw file.invalid("a note reaches beyond its segment");
    const name = bytes.subarray(nameStart, nameStart + header.n_namesz);
    notes.push({
      name: stringAt(name, 0, NAME_LIMIT) ?? name,
      type: header.n_type,
      descriptor: bytes.subarray(start, end),
      descriptorOffset: Number(part.offset) + start,
    });
    position = alignUp(end, alignment);
  }
  return notes;
}
