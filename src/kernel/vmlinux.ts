import type { ReadableStorage } from "../bytes/index.ts";
import { type ElfFile, type ElfNote, readElf } from "../formats/elf/index.ts";

/** ELF note of a PVH kernel: name "Xen", this type (include/xen/interface/elfnote.h). */
const XEN_ELFNOTE_PHYS32_ENTRY = 18;

/** The notes that say where a VMM enters a PVH kernel; VMMs take the first or the last one. */
export function pvhNotesOf(elf: ElfFile): ElfNote[] {
  return elf.notes.filter(
    ({ name, type, descriptor }) =>
      type === XEN_ELFNOTE_PHYS32_ENTRY && isXen(name) && descriptor.length >= 4,
  );
}

/** Where a VMM enters a PVH kernel, a physical address; undefined when it has no such note. */
export function pvhEntryOf(elf: ElfFile): number | undefined {
  const note = pvhNotesOf(elf).at(-1);
  if (note === undefined) return undefined;
  const { buffer, byteOffset, byteLength } = note.descriptor;
  return new DataView(buffer, byteOffset, byteLength).getUint32(0, true);
}

function isXen(name: Uint8Array): boolean {
  return String.fromCharCode(...name) === "Xen";
}

/** Opens a vmlinux; KERNEL_INVALID. */
export function readVmlinux(source: ReadableStorage | Uint8Array, what: string): ElfFile {
  return readElf(source, { what, code: "KERNEL_INVALID" });
}
