import type { ReadableStorage } from "../bytes/index.ts";
import { type ElfSegment, PT, readElf } from "../formats/elf/index.ts";

/** A kernel as it is packed: not compressed as a whole. */
export interface PlainKernel {
  readonly form: "ELF" | "Image";
  /** As long as its file. Of an ELF file only what is loaded, and the notes: zeros for the rest. */
  readonly bytes: Uint8Array;
  /** Where its own texts lie. */
  readonly texts: readonly Uint8Array[];
}

/** Errors: KERNEL_INVALID for an ELF file without readable program headers. */
export function readPlainKernel(
  storage: ReadableStorage,
  { form, name }: { readonly form: PlainKernel["form"]; readonly name: string },
): PlainKernel {
  const bytes = new Uint8Array(storage.sizeBytes);
  if (form === "Image") {
    const all = bytes.subarray(0, storage.readAt(bytes, 0));
    return { form, bytes: all, texts: [all] };
  }
  const { segments } = readElf(storage, { what: `the kernel ${name}`, code: "KERNEL_INVALID" });
  readInto(bytes, storage, { start: 0, end: HEAD_BYTES });
  for (const segment of segments) {
    if (isUsed(segment)) readInto(bytes, storage, rangeOf(segment));
  }
  const loaded = segments.filter(({ type }) => type === PT.PT_LOAD).map(rangeOf);
  return { form, bytes, texts: loaded.map(({ start, end }) => bytes.subarray(start, end)) };
}

/** The header, and the program headers where linkers put them. */
const HEAD_BYTES = 1 << 16;

const isUsed = ({ type }: ElfSegment): boolean => type === PT.PT_LOAD || type === PT.PT_NOTE;

interface Range {
  readonly start: number;
  readonly end: number;
}

/** Of a file that is shorter than it says, what there is: packing refuses it. */
function rangeOf({ offset, fileSize }: ElfSegment): Range {
  return { start: Number(offset), end: Number(offset + fileSize) };
}

function readInto(bytes: Uint8Array, storage: ReadableStorage, { start, end }: Range): void {
  const part = bytes.subarray(start, end);
  if (part.length > 0) storage.readAt(part, start);
}
