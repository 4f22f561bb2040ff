import type { ReadableStorage } from "../../bytes/index.ts";

/** Forms of a kernel that an initramfs can be packed into. */
export type PackedForm = "Image" | "ELF" | "bzImage";

/** Boot stubs by the way in which a loader enters the kernel: {@link stubBinary} of guest/. */
export type StubName = "image" | "pvh" | "linux64" | "bzimage32" | "bzimage64";

/** What a packer is given. */
export interface PackRequest {
  /** The whole kernel, plain: an Image.gz is inflated before, a bzImage stays as it is. */
  readonly kernel: ReadableStorage;
  /** For messages; safe to print. */
  readonly kernelName: string;
  readonly initramfs: { readonly sizeBytes: number };
  /** Goes before what the VMM says; undefined: only the VMM's. */
  readonly commandLine: string | undefined;
  /** A boot stub's machine code. */
  readonly stub: (name: StubName) => Uint8Array;
}

/** Bytes of the packed file that were changed: where, and what they were, in hexadecimal. */
export interface PatchedField {
  /** For people: `setup_header.code32_start`. */
  readonly field: string;
  readonly offset: number;
  readonly was: string;
}

/** What a packer says of its file; digests and memory are added by who writes it. */
export interface PackLayout {
  readonly form: PackedForm;
  readonly arch: "x86_64" | "aarch64";
  /**
   * The kernel: the file's first `sizeBytes`; with the patched fields put back it is what it was.
   */
  readonly kernel: { readonly sizeBytes: number };
  readonly initramfs: { readonly offset: number; readonly sizeBytes: number };
  /** Physical address of the kernel, when memory below it is free for use; 0 else. */
  readonly memoryStart: number;
  /** Physical address behind the last byte that kernel, stub and initramfs use at first. */
  readonly memoryEnd: number;
  readonly commandLine: string | undefined;
  readonly patched: readonly PatchedField[];
  /** Things the user should know: a lost signature, an entry that is not there. */
  readonly warnings: readonly string[];
}

/** A packed file, still without its record. */
export interface PackedLayout {
  /** What lies before the initramfs, in the file's order. */
  readonly pieces: readonly ReadableStorage[];
  /** The kernel as `unpack` gives it back, in pieces. */
  readonly unpacked: readonly ReadableStorage[];
  readonly layout: PackLayout;
}

/** What stands at a packed file's end, as JSON. */
export interface PackRecord extends Omit<PackLayout, "warnings" | "commandLine" | "memoryStart"> {
  /** Version of the record. */
  readonly wick: 1;
  readonly kernel: {
    readonly sizeBytes: number;
    /** SHA-256 of what `unpack` gives back, in hexadecimal. */
    readonly sha256: string;
  };
  readonly initramfs: {
    readonly offset: number;
    readonly sizeBytes: number;
    readonly sha256: string;
    /** The archives that were packed, offsets from the initramfs' start: zeros lie between them. */
    readonly parts: readonly { readonly offset: number; readonly sizeBytes: number }[];
  };
  readonly commandLine?: string;
  readonly leastMemoryMiB: number;
}
