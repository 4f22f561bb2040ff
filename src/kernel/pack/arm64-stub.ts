import { le32, le64, raw, struct } from "../../bytes/index.ts";

/**
 * The table at the start of the boot stub for aarch64 (src/guest/stubs/aarch64.S). Offsets are
 * counted from the Image's start unless said otherwise, all in bytes.
 */
export const arm64Stub = struct("arm64_stub", 0x58, [
  [0x00, "magic", raw(8)], // "WICKSTUB"
  [0x08, "entry", le64], // of the stub, from the table
  [0x10, "self_offset", le64], // the table
  [0x18, "kernel_offset", le64], // the kernel's first instruction
  [0x20, "initrd_offset", le64],
  [0x28, "initrd_size", le64],
  [0x30, "scratch_offset", le64], // the stack, growing down from the tree's copy behind it
  [0x38, "stack_size", le64],
  [0x40, "tree_room", le64],
  [0x48, "before_offset", le32], // text before the loader's command line, from the table
  [0x4c, "before_size", le32],
  [0x50, "after_offset", le32], // text behind it
  [0x54, "after_size", le32],
]);

/** What the stub is told; the rest of its table is its own. */
export type Arm64StubFields = Omit<
  ReturnType<typeof arm64Stub.read>,
  "magic" | "entry" | "before_offset" | "before_size" | "after_offset" | "after_size"
>;

/** The stub with its table filled in and the built-in command line's two parts behind it. */
export function fillStub(
  stub: Uint8Array,
  fields: Arm64StubFields,
  line: { readonly before: Uint8Array; readonly after: Uint8Array },
): Uint8Array {
  const afterOffset = stub.length + line.before.length;
  const bytes = new Uint8Array(afterOffset + line.after.length);
  bytes.set(stub);
  bytes.set(line.before, stub.length);
  bytes.set(line.after, afterOffset);
  arm64Stub.write(bytes, {
    ...arm64Stub.read(stub),
    ...fields,
    before_offset: stub.length,
    before_size: line.before.length,
    after_offset: afterOffset,
    after_size: line.after.length,
  });
  return bytes;
}
