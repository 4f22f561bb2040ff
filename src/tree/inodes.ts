import {
  BytePool,
  float64Column,
  int32Column,
  uint16Column,
  uint32Column,
} from "../bytes/index.ts";
import type { Metadata, Xattr } from "./entry.ts";
import { kindOf, S_IFMT, type Kind } from "./kinds.ts";
import { NO_PLACE, type Place } from "./sink.ts";

const NO_XATTRS: readonly Xattr[] = [];

/** Index of an inode in its tree; the root is 0. */
export type Ino = number;

/** The inodes of a tree, a column a field: about 50 bytes each, however many there are. */
export class Inodes {
  readonly #stMode = uint16Column();
  readonly #uid = uint32Column();
  readonly #gid = uint32Column();
  readonly #seconds = float64Column();
  readonly #nanoseconds = uint32Column();
  readonly #size = float64Column();
  readonly #place = int32Column();
  readonly #nameCount = uint32Column();
  /** What a kind needs beside: where a symlink's target begins, a device's numbers. */
  readonly #targets = new Map<Ino, number>();
  readonly #targetBytes = new BytePool();
  readonly #rdevs = new Map<Ino, { major: number; minor: number }>();
  readonly #xattrs = new Map<Ino, readonly Xattr[]>();

  get count(): number {
    return this.#stMode.length;
  }

  add(kind: Kind, metadata: Metadata): Ino {
    const ino = this.#stMode.push(0);
    for (const column of [this.#uid, this.#gid, this.#seconds, this.#nanoseconds]) column.push(0);
    this.#size.push(0);
    this.#place.push(NO_PLACE);
    this.#nameCount.push(0);
    this.setMetadata(ino, metadata, kind);
    return ino;
  }

  setMetadata(ino: Ino, metadata: Metadata, kind: Kind = this.kind(ino)): void {
    this.#stMode.set(ino, S_IFMT[kind] | (metadata.mode & 0o7777));
    this.#uid.set(ino, metadata.uid);
    this.#gid.set(ino, metadata.gid);
    this.#seconds.set(ino, metadata.mtime.seconds);
    this.#nanoseconds.set(ino, metadata.mtime.nanoseconds);
    if (metadata.xattrs.length > 0) this.#xattrs.set(ino, metadata.xattrs);
    else this.#xattrs.delete(ino);
  }

  setContents(ino: Ino, contents: { readonly place: Place; readonly size: number }): void {
    this.#place.set(ino, contents.place);
    this.#size.set(ino, contents.size);
  }

  /** Sets a symlink's text, of which a copy is kept. */
  setTarget(ino: Ino, target: Uint8Array): void {
    this.#targets.set(ino, this.#targetBytes.append(target));
    this.#size.set(ino, target.length);
  }

  setRdev(ino: Ino, rdev: { major: number; minor: number }): void {
    this.#rdevs.set(ino, rdev);
  }

  /** Changes how many names the inode has and returns the new count. */
  addNames(ino: Ino, change: 1 | -1): number {
    const count = this.#nameCount.get(ino) + change;
    this.#nameCount.set(ino, count);
    return count;
  }

  kind(ino: Ino): Kind {
    return kindOf(this.#stMode.get(ino))!;
  }

  /** Permission, setuid, setgid and sticky bits. */
  mode(ino: Ino): number {
    return this.#stMode.get(ino) & 0o7777;
  }

  /** Kind and mode together, as in `st_mode`. */
  stMode(ino: Ino): number {
    return this.#stMode.get(ino);
  }

  uid(ino: Ino): number {
    return this.#uid.get(ino);
  }

  gid(ino: Ino): number {
    return this.#gid.get(ino);
  }

  mtime(ino: Ino): { seconds: number; nanoseconds: number } {
    return { seconds: this.#seconds.get(ino), nanoseconds: this.#nanoseconds.get(ino) };
  }

  /** Bytes of a file's contents or of a symlink's target; 0 for the rest. */
  size(ino: Ino): number {
    return this.#size.get(ino);
  }

  place(ino: Ino): Place {
    return this.#place.get(ino);
  }

  /** How many names lead to it (a directory has one, the root and the removed none). */
  nameCount(ino: Ino): number {
    return this.#nameCount.get(ino);
  }

  /** A symlink's text, only lent; undefined for the rest. */
  target(ino: Ino): Uint8Array | undefined {
    const start = this.#targets.get(ino);
    if (start === undefined) return undefined;
    return this.#targetBytes.view(start, this.#size.get(ino));
  }

  rdev(ino: Ino): { readonly major: number; readonly minor: number } | undefined {
    return this.#rdevs.get(ino);
  }

  xattrs(ino: Ino): readonly Xattr[] {
    return this.#xattrs.get(ino) ?? NO_XATTRS;
  }

  /** All of what {@link Metadata} names. */
  metadata(ino: Ino): Metadata {
    return {
      mode: this.mode(ino),
      uid: this.uid(ino),
      gid: this.gid(ino),
      mtime: this.mtime(ino),
      xattrs: this.xattrs(ino),
    };
  }
}
