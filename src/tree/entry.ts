import type { Kind } from "./kinds.ts";

/** A time: whole seconds since 1970 (negative before) plus 0 … 999,999,999 ns. */
export interface Time {
  readonly seconds: number;
  readonly nanoseconds: number;
}

/** An extended attribute: its full name (`user.x`, `security.capability`) and raw value. */
export interface Xattr {
  readonly name: Uint8Array;
  readonly value: Uint8Array;
}

/** What every node has. `mode` holds the permission, setuid, setgid and sticky bits (0o7777). */
export interface Metadata {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtime: Time;
  readonly xattrs: readonly Xattr[];
}

/** One entry of a layer, as its archive or directory gives it. Names are bytes. */
export interface Entry extends Metadata {
  readonly type: Kind | "hardlink";
  /** As written in the archive: may begin with `/` or `./`, may hold `..`. */
  readonly path: Uint8Array;
  /** A symlink's text, or the path that a hard link names. */
  readonly target?: Uint8Array;
  /** A file's contents in bytes, holes included. */
  readonly size: number;
  /** Device numbers of `char` and `block`. */
  readonly rdev?: { readonly major: number; readonly minor: number };
}

/**
 * Takes one layer, entry by entry. After `entry` of a file its contents follow in order as
 * `data` and `hole` (together `entry.size` bytes), then `endFile`. Chunks are only lent:
 * whoever keeps bytes copies them.
 */
export interface LayerVisitor {
  entry(entry: Entry): void;
  data(chunk: Uint8Array): void;
  hole(lengthBytes: number): void;
  endFile(): void;
  /** Something was left out or changed; `message` is a sentence for the user. */
  warn(message: string): void;
}

/** A layer that can be played to a visitor: once, or again and again where `whiteouts` is set. */
export interface Layer {
  /** For messages: `nginx-common_1.22.1_all.deb`, `rootfs.tar.gz`. */
  readonly name: string;
  /**
   * `oci`: names that begin with `.wh.` take away what lower layers have (OCI image-spec,
   * layer.md, "Whiteouts"). Such a layer must give the same entries each time it is played.
   */
  readonly whiteouts?: "oci";
  /**
   * A hint that `play` follows soon: may read ahead, within bounds. What it holds is let go
   * when `signal` is aborted, which happens in any case.
   */
  readonly prepare?: (signal: AbortSignal) => void;
  play(visitor: LayerVisitor, signal?: AbortSignal): Promise<void>;
  /** After `play`: identifies all that was played, where the layer can tell it cheaply. */
  readonly digest?: () => string;
}
