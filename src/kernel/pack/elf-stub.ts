import { le32, le64, raw, struct } from "../../bytes/index.ts";
import type { BuiltInLine } from "./built-in-line.ts";

/**
 * The table at the start of the boot stubs of ELF kernels for x86_64 (`struct stub` of
 * src/guest/stubs/x86_64-elf.h). Addresses are physical; offsets count from the table. In bytes.
 */
export const elfStub = struct("stub", 0x50, [
  [0x00, "magic", raw(8)], // "WICKSTUB"
  [0x08, "entry", le32], // of the stub: an offset
  [0x0c, "stack", le32], // the end of its memory
  [0x10, "kernel", le64], // the kernel's own entry
  [0x18, "paddr", le64], // struct hvm_modlist_entry from here on: the initramfs
  [0x20, "size", le64],
  [0x28, "cmdline_paddr", le64],
  [0x30, "reserved", le64],
  [0x38, "before_offset", le32], // text before the loader's command line
  [0x3c, "before_size", le32],
  [0x40, "after_offset", le32], // text behind it
  [0x44, "after_size", le32],
  [0x48, "line", le32], // where the joined line goes
  [0x4c, "room", le32], // 0: the loader's line stays as it is
]);

/** What a stub is told of its file. */
export interface ElfStubFields {
  readonly kernel: number;
  readonly stack: number;
  readonly initramfs: { readonly address: number; readonly sizeBytes: number };
  /** Where the built-in line's texts begin, from the table. */
  readonly textOffset: number;
  readonly line: BuiltInLine;
  readonly lineAddress: number;
  readonly lineRoom: number;
}

/** The stub with its table filled in. */
export function fillElfStub(stub: Uint8Array, fields: ElfStubFields): Uint8Array {
  const { line, textOffset } = fields;
  const filled = Uint8Array.from(stub);
  elfStub.write(filled, {
    ...elfStub.read(stub),
    stack: fields.stack,
    kernel: BigInt(fields.kernel),
    paddr: BigInt(fields.initramfs.address),
    size: BigInt(fields.initramfs.sizeBytes),
    before_offset: textOffset,
    before_size: line.before.length,
    after_offset: textOffset + line.before.length,
    after_size: line.after.length,
    line: fields.lineAddress,
    room: fields.lineRoom,
  });
  return filled;
}
