import type { PatchedField } from "./types.ts";

/** Bytes that a packed file has in place of the kernel's own. */
export interface Patch {
  /** For people: `setup_header.syssize`. */
  readonly field: string;
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/** A copy of `bytes` with the patches applied. */
export function patched(bytes: Uint8Array, patches: readonly Patch[]): Uint8Array {
  const copy = Uint8Array.from(bytes); // a Buffer's slice() would be the same memory
  for (const patch of patches) copy.set(patch.bytes, patch.offset);
  return copy;
}

/** What the patched bytes were, for the record. */
export function patchedFields(bytes: Uint8Array, patches: readonly Patch[]): PatchedField[] {
  return patches.map(({ field, offset, bytes: { length } }) => ({
    field,
    offset,
    was: Buffer.from(bytes.subarray(offset, offset + length)).toString("hex"),
  }));
}

/** `value` in so many bytes, of which the first six may be other than 0. */
export function littleEndian(value: number, length: number): Uint8Array {
  const bytes = Buffer.alloc(length);
  bytes.writeUIntLE(value, 0, Math.min(length, 6));
  return bytes;
}
