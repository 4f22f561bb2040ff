import { compareBytes, int32Column, uint32Column, uint8Column } from "../bytes/index.ts";
import type { Ino } from "./inodes.ts";

/** Index of a directory entry in its tree; -1 is none. */
type Slot = number;
const NONE: Slot = -1;

/** Bytes of the name pool that hold a name's length, before its bytes. */
const LENGTH_BYTES = 1;

/** FNV-1a over the directory's number and the name. */
function hashOf(directory: Ino, name: Uint8Array): number {
  let hash = Math.imul(directory ^ 0x811c9dc5, 0x01000193);
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name[i]!, 0x01000193);
  return (hash ^ (hash >>> 15)) >>> 0;
}

/**
 * All directory entries of a tree: names in one pool, entries chained by directory, and one
 * hash table over (directory, name). About 40 bytes an entry.
 */
export class Names {
  readonly #pool = uint8Column();
  readonly #poolOffset = uint32Column();
  readonly #directory = int32Column();
  readonly #ino = int32Column();
  /** Entries of one directory as a list, newest first. */
  readonly #nextInDirectory = int32Column();
  readonly #first = new Map<Ino, Slot>();
  /** Entries with one hash as a list. */
  readonly #nextInBucket = int32Column();
  #buckets = new Int32Array(1024).fill(NONE);
  #live = 0;

  get count(): number {
    return this.#live;
  }

  /** The inode that `name` leads to in `directory`, or -1. */
  lookup(directory: Ino, name: Uint8Array): Ino {
    const slot = this.#find(directory, name);
    return slot === NONE ? NONE : this.#ino.get(slot);
  }

  /** Adds an entry; the name must be free and 1 … 255 bytes long. */
  add(directory: Ino, name: Uint8Array, ino: Ino): void {
    if (this.#live >= this.#buckets.length) this.#rehash(this.#buckets.length * 2);
    const slot = this.#ino.push(ino);
    this.#directory.push(directory);
    this.#poolOffset.push(this.#pool.push(name.length));
    this.#pool.append(name);
    this.#nextInDirectory.push(this.#first.get(directory) ?? NONE);
    this.#first.set(directory, slot);
    const bucket = hashOf(directory, name) & (this.#buckets.length - 1);
    this.#nextInBucket.push(this.#buckets[bucket]!);
    this.#buckets[bucket] = slot;
    this.#live++;
  }

  /** Makes an existing name lead to another inode. */
  replace(directory: Ino, name: Uint8Array, ino: Ino): void {
    this.#ino.set(this.#find(directory, name), ino);
  }

  /** Takes an entry away; the name must exist. */
  remove(directory: Ino, name: Uint8Array): void {
    const slot = this.#find(directory, name);
    this.#unchainBucket(slot, hashOf(directory, name) & (this.#buckets.length - 1));
    this.#unchainDirectory(slot, directory);
    this.#live--;
  }

  isEmpty(directory: Ino): boolean {
    return (this.#first.get(directory) ?? NONE) === NONE;
  }

  /** The entries of `directory`, sorted by the bytes of their names. */
  list(directory: Ino): { readonly name: Uint8Array; readonly ino: Ino }[] {
    const entries: { name: Uint8Array; ino: Ino }[] = [];
    let slot = this.#first.get(directory) ?? NONE;
    for (; slot !== NONE; slot = this.#nextInDirectory.get(slot)) {
      entries.push({ name: this.#name(slot), ino: this.#ino.get(slot) });
    }
    return entries.sort((a, b) => compareBytes(a.name, b.name));
  }

  #name(slot: Slot): Uint8Array {
    const offset = this.#poolOffset.get(slot);
    const start = offset + LENGTH_BYTES;
    return this.#pool.values.subarray(start, start + this.#pool.get(offset));
  }

  #find(directory: Ino, name: Uint8Array): Slot {
    let slot = this.#buckets[hashOf(directory, name) & (this.#buckets.length - 1)]!;
    while (slot !== NONE && !this.#is(slot, directory, name)) slot = this.#nextInBucket.get(slot);
    return slot;
  }

  #is(slot: Slot, directory: Ino, name: Uint8Array): boolean {
    if (this.#directory.get(slot) !== directory) return false;
    const offset = this.#poolOffset.get(slot);
    if (this.#pool.get(offset) !== name.length) return false;
    const pool = this.#pool.values;
    for (let i = 0; i < name.length; i++) {
      if (pool[offset + LENGTH_BYTES + i] !== name[i]) return false;
    }
    return true;
  }

  #unchainBucket(slot: Slot, bucket: number): void {
    const next = this.#nextInBucket.get(slot);
    if (this.#buckets[bucket] === slot) {
      this.#buckets[bucket] = next;
      return;
    }
    let before = this.#buckets[bucket]!;
    while (this.#nextInBucket.get(before) !== slot) before = this.#nextInBucket.get(before);
    this.#nextInBucket.set(before, next);
  }

  #unchainDirectory(slot: Slot, directory: Ino): void {
    const next = this.#nextInDirectory.get(slot);
    if (this.#first.get(directory) === slot) {
      this.#first.set(directory, next);
      return;
    }
    let before = this.#first.get(directory)!;
    while (this.#nextInDirectory.get(before) !== slot) before = this.#nextInDirectory.get(before);
    this.#nextInDirectory.set(before, next);
  }

  #rehash(size: number): void {
    this.#buckets = new Int32Array(size).fill(NONE);
    for (const first of this.#first.values()) {
      for (let slot = first; slot !== NONE; slot = this.#nextInDirectory.get(slot)) {
        const bucket = hashOf(this.#directory.get(slot), this.#name(slot)) & (size - 1);
        this.#nextInBucket.set(slot, this.#buckets[bucket]!);
        this.#buckets[bucket] = slot;
      }
    }
  }
}
