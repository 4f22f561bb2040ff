import {
  BytePool,
  compareBytes,
  int32Column,
  uint32Column,
  uint8Column,
  type Column,
} from "../bytes/index.ts";
import { WickError } from "../errors/index.ts";
import type { Ino } from "./inodes.ts";

/** Index of a directory entry in its tree; -1 is none. */
export type Slot = number;
const NONE: Slot = -1;

/** Offsets into the name pool are 32 bits wide: the last name begins below this. */
const MAX_POOL_BYTES = 2 ** 32 - 2 ** 17;
/**
 * Longest chain of one hash bucket. Names are a stranger's: whoever makes many of one hash
 * finds the rest in a Map, whose hash V8 seeds anew in each process.
 */
const MAX_CHAIN = 24;

/** FNV-1a over the directory's number and the name. */
function hashOf(directory: Ino, name: Uint8Array): number {
  let hash = Math.imul(directory ^ 0x811c9dc5, 0x01000193);
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name[i]!, 0x01000193);
  return (hash ^ (hash >>> 15)) >>> 0;
}

function overflowKey(directory: Ino, name: Uint8Array): string {
  return `${directory}/${String.fromCharCode(...name)}`;
}

/**
 * All directory entries of a tree: names in one pool, entries chained by directory, and one
 * hash table over (directory, name). About 40 bytes an entry. Each operation takes the same
 * time however many names there are; a removed name's slot is not used again.
 */
export class Names {
  readonly #pool = new BytePool();
  readonly #length = uint8Column();
  readonly #poolOffset = uint32Column();
  readonly #directory = int32Column();
  /** Where the name leads; NONE once it is removed. */
  readonly #ino = int32Column();
  /** Entries of one directory as a doubly linked list, newest first; first by directory. */
  readonly #next = int32Column();
  readonly #previous = int32Column();
  readonly #first = int32Column();
  /** Entries with one hash as a list. */
  readonly #nextInBucket = int32Column();
  #buckets = new Int32Array(1024).fill(NONE);
  readonly #overflow = new Map<string, Slot>();
  #live = 0;

  get count(): number {
    return this.#live;
  }

  /** The inode that `name` leads to in `directory`, or -1. */
  lookup(directory: Ino, name: Uint8Array): Ino {
    const slot = this.#find(directory, name);
    return slot === NONE ? NONE : this.#ino.get(slot);
  }

  /** Adds an entry and returns its slot; the name must be free and 1 … 255 bytes long. */
  add(directory: Ino, name: Uint8Array, ino: Ino): Slot {
    if (this.#live >= this.#buckets.length) this.#rehash(this.#buckets.length * 2);
    const slot = this.#ino.push(ino);
    this.#directory.push(directory);
    this.#poolOffset.push(this.#store(name));
    this.#nextInBucket.push(NONE);
    this.#chain(slot, directory);
    this.#insert(slot, directory, name);
    this.#live++;
    return slot;
  }

  /** Makes an existing name lead to another inode and returns its slot. */
  replace(directory: Ino, name: Uint8Array, ino: Ino): Slot {
    const slot = this.#find(directory, name);
    this.#ino.set(slot, ino);
    return slot;
  }

  /** Takes an entry away; the name must exist. */
  remove(directory: Ino, name: Uint8Array): void {
    this.#removeSlot(this.#find(directory, name));
  }

  /** Takes all entries of `directory` away and returns their inodes. */
  removeAll(directory: Ino): Ino[] {
    const inodes: Ino[] = [];
    for (let slot = this.#firstOf(directory); slot !== NONE; slot = this.#firstOf(directory)) {
      inodes.push(this.#ino.get(slot));
      this.#removeSlot(slot);
    }
    return inodes;
  }

  /** The slot of a name, or -1. */
  slotAt(directory: Ino, name: Uint8Array): Slot {
    return this.#find(directory, name);
  }

  /** The slots of the entries of `directory`, newest first. */
  slotsOf(directory: Ino): Slot[] {
    const slots: Slot[] = [];
    for (let slot = this.#firstOf(directory); slot !== NONE; slot = this.#next.get(slot)) {
      slots.push(slot);
    }
    return slots;
  }

  isEmpty(directory: Ino): boolean {
    return this.#firstOf(directory) === NONE;
  }

  /** The entries of `directory`, sorted by the bytes of their names. */
  list(directory: Ino): { readonly name: Uint8Array; readonly ino: Ino }[] {
    const entries: { name: Uint8Array; ino: Ino }[] = [];
    for (let slot = this.#firstOf(directory); slot !== NONE; slot = this.#next.get(slot)) {
      entries.push({ name: this.nameAt(slot), ino: this.#ino.get(slot) });
    }
    return entries.sort((a, b) => compareBytes(a.name, b.name));
  }

  /** Where the name in `slot` leads, or -1 when it is removed. */
  inoAt(slot: Slot): Ino {
    return this.#ino.get(slot);
  }

  /** The directory that holds, or held, the name in `slot`. */
  directoryAt(slot: Slot): Ino {
    return this.#directory.get(slot);
  }

  /** The bytes of the name in `slot`, only lent. */
  nameAt(slot: Slot): Uint8Array {
    return this.#pool.view(this.#poolOffset.get(slot), this.#length.get(slot));
  }

  #store(name: Uint8Array): number {
    if (this.#pool.length > MAX_POOL_BYTES) {
      throw new WickError(
        "IMAGE_LIMIT",
        `Cannot hold more names: they pass ${MAX_POOL_BYTES} bytes`,
      );
    }
    this.#length.push(name.length);
    return this.#pool.append(name);
  }

  #find(directory: Ino, name: Uint8Array): Slot {
    let slot = this.#buckets[hashOf(directory, name) & (this.#buckets.length - 1)]!;
    while (slot !== NONE && !this.#is(slot, directory, name)) slot = this.#nextInBucket.get(slot);
    if (slot !== NONE || this.#overflow.size === 0) return slot;
    return this.#overflow.get(overflowKey(directory, name)) ?? NONE;
  }

  #is(slot: Slot, directory: Ino, name: Uint8Array): boolean {
    if (this.#directory.get(slot) !== directory) return false;
    if (this.#length.get(slot) !== name.length) return false;
    const at = this.#poolOffset.get(slot);
    const chunk = this.#pool.chunkOf(at);
    const start = this.#pool.inChunk(at);
    for (let i = 0; i < name.length; i++) if (chunk[start + i] !== name[i]) return false;
    return true;
  }

  /** Puts a slot into its bucket's chain, or into the overflow when that is too long. */
  #insert(slot: Slot, directory: Ino, name: Uint8Array): void {
    const bucket = hashOf(directory, name) & (this.#buckets.length - 1);
    const first = this.#buckets[bucket]!;
    let length = 0;
    for (let at = first; at !== NONE && length < MAX_CHAIN; at = this.#nextInBucket.get(at)) {
      length++;
    }
    if (length === MAX_CHAIN) {
      this.#overflow.set(overflowKey(directory, name), slot);
      return;
    }
    this.#nextInBucket.set(slot, first);
    this.#buckets[bucket] = slot;
  }

  /** Puts a new slot at the head of its directory's list. */
  #chain(slot: Slot, directory: Ino): void {
    const first = this.#firstOf(directory);
    this.#next.push(first);
    this.#previous.push(NONE);
    if (first !== NONE) this.#previous.set(first, slot);
    this.#setFirst(directory, slot);
  }

  #removeSlot(slot: Slot): void {
    const directory = this.#directory.get(slot);
    this.#unchainBucket(slot, directory);
    const next = this.#next.get(slot);
    const previous = this.#previous.get(slot);
    if (previous === NONE) this.#setFirst(directory, next);
    else this.#next.set(previous, next);
    if (next !== NONE) this.#previous.set(next, previous);
    this.#ino.set(slot, NONE);
    this.#live--;
  }

  #unchainBucket(slot: Slot, directory: Ino): void {
    const name = this.nameAt(slot);
    const bucket = hashOf(directory, name) & (this.#buckets.length - 1);
    let before: Slot = NONE;
    let at = this.#buckets[bucket]!;
    while (at !== NONE && at !== slot) {
      before = at;
      at = this.#nextInBucket.get(at);
    }
    if (at === NONE) this.#overflow.delete(overflowKey(directory, name));
    else if (before === NONE) this.#buckets[bucket] = this.#nextInBucket.get(slot);
    else this.#nextInBucket.set(before, this.#nextInBucket.get(slot));
  }

  #firstOf(directory: Ino): Slot {
    return directory < this.#first.length ? this.#first.get(directory) : NONE;
  }

  #setFirst(directory: Ino, slot: Slot): void {
    fillUpTo(this.#first, directory);
    this.#first.set(directory, slot);
  }

  #rehash(size: number): void {
    this.#buckets = new Int32Array(size).fill(NONE);
    this.#overflow.clear();
    for (let slot = 0; slot < this.#ino.length; slot++) {
      if (this.#ino.get(slot) === NONE) continue;
      this.#insert(slot, this.#directory.get(slot), this.nameAt(slot));
    }
  }
}

/** Makes `column` long enough for `index`, new elements being none. */
export function fillUpTo(column: Column, index: number): void {
  while (column.length <= index) column.push(NONE);
}
