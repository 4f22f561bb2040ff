import type { Kind } from "../../tree/index.ts";

/** One entry of a list. */
export interface ListEntry {
  readonly kind: Kind;
  /** Its own name and then a file's further ones, spelled as in the list less one leading `/`. */
  readonly names: readonly [Uint8Array, ...Uint8Array[]];
  /** Permission, setuid, setgid and sticky bits (0o7777). */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Where a file's bytes lie on the host, as it is spelled: variables stand in it. */
  readonly location?: Uint8Array;
  /** A symlink's text. */
  readonly target?: Uint8Array;
  /** Device numbers of `char` and `block`. */
  readonly rdev?: { readonly major: number; readonly minor: number };
}

/** An entry that was read, with the number of its line: 1 is the first. */
export interface ReadListEntry extends ListEntry {
  readonly line: number;
}
