import { type ElfFile, readElf } from "../formats/elf/index.ts";

/** ELF note of a PVH kernel: name "Xen", this type (include/xen/interface/elfnote.h). */
const XEN_ELFNOTE_PHYS32_ENTRY = 18;

/** Where a VMM enters a PVH kernel, a physical address; undefined when it has no such note. */
export function pvhEntryOf(elf: ElfFile): number | undefined {
  const note = elf.notes.findLast(
    ({ name, type }) => type === XEN_ELFNOTE_PHYS32_ENTRY && isXen(name),
  );
  if (note === undefined || note.descriptor.length < 4) return undefined;
  const { buffer, byteOffset, byteLength } = note.descriptor;
  return new DataView(buffer, byteOffset, byteLength).getUint32(0, true);
}

function isXen(name: Uint8Array): boolean {
  return String.fromCharCode(...name) === "Xen";
}

/** Opens a vmlinux; KERNEL_INVALID. */
export function readVmlinux(bytes: Uint8Array, what: string): ElfFile {
  return readElf(bytes, { what, code: "KERNEL_INVALID" });
}
