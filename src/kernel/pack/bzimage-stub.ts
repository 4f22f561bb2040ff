import { le32, le64, raw, struct } from "../../bytes/index.ts";
import type { BuiltInLine } from "./built-in-line.ts";

/**
 * The table at the start of the boot stubs of a bzImage (`struct stub` of
 * src/guest/stubs/x86_64-bzimage.h). Offsets count from the table unless said otherwise, in bytes.
 */
export const bzImageStub = struct("stub", 0x58, [
  [0x00, "magic", raw(8)], // "WICKSTUB"
  [0x08, "entry", le32], // of the stub
  [0x0c, "stack", le32], // the end of its memory
  [0x10, "distance", le32], // from the start of the code to the table
  [0x14, "kernel", le32], // from the start of the code to the kernel's own entry
  [0x18, "alignment", le32], // 0: the kernel runs at pref_address wherever it was loaded
  [0x1c, "init_size", le32],
  [0x20, "pref_address", le64],
  [0x28, "startup_32", raw(8)], // the kernel's code that gave way to the jumps to the stubs
  [0x30, "startup_64", raw(8)],
  [0x38, "initramfs", le32], // from the start of the code
  [0x3c, "initramfs_size", le32],
  [0x40, "before_offset", le32], // text before the loader's command line
  [0x44, "before_size", le32],
  [0x48, "after_offset", le32], // text behind it
  [0x4c, "after_size", le32],
  [0x50, "room", le32], // for the joined line; 0: the loader's line stays as it is
  [0x54, "reserved", le32],
]);

type Fields = ReturnType<typeof bzImageStub.read>;

/** What a stub is told of its file; the rest of its table is its own. */
export type BzImageStubFields = Pick<
  Fields,
  | "alignment"
  | "init_size"
  | "pref_address"
  | "startup_32"
  | "startup_64"
  | "initramfs"
  | "initramfs_size"
  | "room"
> & {
  readonly kernel: number;
  readonly distance: number;
  readonly stack: number;
  /** Where the built-in line's texts begin. */
  readonly textOffset: number;
  readonly line: BuiltInLine;
};

/** The stub with its table filled in. */
export function fillBzImageStub(
  stub: Uint8Array,
  { line, textOffset, ...fields }: BzImageStubFields,
): Uint8Array {
  const filled = Uint8Array.from(stub);
  bzImageStub.write(filled, {
    ...bzImageStub.read(stub),
    ...fields,
    before_offset: textOffset,
    before_size: line.before.length,
    after_offset: textOffset + line.before.length,
    after_size: line.after.length,
  });
  return filled;
}
