import type { Kind } from "../../tree/index.ts";

/** What one entry of an archive says about a node. */
export interface CpioEntry {
  /** As in the archive: bytes, usually without a leading `/`. */
  readonly path: Uint8Array;
  readonly kind: Kind;
  /** Permission, setuid, setgid and sticky bits (0o7777). */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Whole seconds since 1970, 0 to 2^32 - 1. */
  readonly mtime: number;
  /** Device numbers of `char` and `block`. */
  readonly rdev?: { readonly major: number; readonly minor: number };
  /** A symlink's text. */
  readonly target?: Uint8Array;
}

/** One file of an archive that is written from memory. */
export interface CpioFile extends CpioEntry {
  readonly contents?: Uint8Array;
  /** Further names of the same file (hard links). */
  readonly links?: readonly Uint8Array[];
}
