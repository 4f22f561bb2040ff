import { uint32Column, uint8Column } from "../bytes/index.ts";

const SLASH = 0x2f;
const DOT = 0x2e;

/** What of lower layers a path's entry takes away, as bits: what is at the path, what is below. */
export const HIDES = { itself: 1, below: 2, both: 3 } as const;

/** Slots that are looked at; a path that finds none free is not remembered. */
const PROBES = 24;
const INITIAL_SLOTS = 1 << 12;

/**
 * The paths that layers above hide, by their text alone and by hash: a guess whether a file of
 * a lower layer is wanted. A wrong one costs time and changes nothing: a file that turns out to
 * be wanted is read again. About 20 bytes a path.
 */
export class HiddenPaths {
  /** Two hashes of each path; a slot without bits in `#bits` is free. */
  #first = new Uint32Array(INITIAL_SLOTS);
  #second = new Uint32Array(INITIAL_SLOTS);
  #bits = new Uint8Array(INITIAL_SLOTS);
  #used = 0;
  /** What the layer being played adds: it does not hide its own files. */
  readonly #added = { first: uint32Column(), second: uint32Column(), bits: uint8Column() };
  #addedAll = false;
  /** Whether the root was made opaque: nothing below it is left. */
  #all = false;
  readonly #walk = new PathHash();

  /** Notes that this layer's entry at `path` hides what lower ones have there. */
  add(path: Uint8Array, bits: number): void {
    const walk = this.#walk.begin(path);
    if (walk.isLast) this.#addedAll ||= (bits & HIDES.below) !== 0;
    while (walk.next());
    this.#added.first.push(walk.first);
    this.#added.second.push(walk.second);
    this.#added.bits.push(bits);
  }

  /** Ends the layer: what it has added holds for all that follow. */
  endLayer(): void {
    const { first, second, bits } = this.#added;
    this.#makeRoom(first.length);
    for (let i = 0; i < first.length; i++) this.#insert(first.get(i), second.get(i), bits.get(i));
    for (const column of [first, second, bits]) column.length = 0;
    this.#all ||= this.#addedAll;
  }

  /** Whether a file at `path` is hidden by a layer that has ended. */
  hides(path: Uint8Array): boolean {
    if (this.#all || this.#used === 0) return this.#all;
    const walk = this.#walk.begin(path);
    while (walk.next()) {
      const bits = this.#find(walk.first, walk.second);
      if (walk.isLast) return (bits & HIDES.itself) !== 0;
      if ((bits & HIDES.below) !== 0) return true;
    }
    return false;
  }

  #find(first: number, second: number): number {
    const mask = this.#bits.length - 1;
    for (let i = 0; i < PROBES; i++) {
      const slot = (first + i) & mask;
      if (this.#bits[slot] === 0) return 0;
      if (this.#first[slot] === first && this.#second[slot] === second) return this.#bits[slot]!;
    }
    return 0;
  }

  #insert(first: number, second: number, bits: number): void {
    const mask = this.#bits.length - 1;
    for (let i = 0; i < PROBES; i++) {
      const slot = (first + i) & mask;
      const isFree = this.#bits[slot] === 0;
      if (!isFree && (this.#first[slot] !== first || this.#second[slot] !== second)) continue;
      this.#first[slot] = first;
      this.#second[slot] = second;
      this.#bits[slot]! |= bits;
      if (isFree) this.#used++;
      return;
    }
  }

  /** Keeps at least half of the slots free. */
  #makeRoom(more: number): void {
    let slots = this.#bits.length;
    while ((this.#used + more) * 2 > slots) slots *= 2;
    if (slots === this.#bits.length) return;
    const [first, second, bits] = [this.#first, this.#second, this.#bits];
    this.#first = new Uint32Array(slots);
    this.#second = new Uint32Array(slots);
    this.#bits = new Uint8Array(slots);
    this.#used = 0;
    bits.forEach((value, i) => value > 0 && this.#insert(first[i]!, second[i]!, value));
  }
}

/** Goes through a path without `..` name by name; two hashes of all up to there, however it is written. */
class PathHash {
  first = 0;
  second = 0;
  /** Whether no name follows; of a path without names from the beginning. */
  isLast = false;
  #path: Uint8Array = new Uint8Array(0);
  #at = 0;

  begin(path: Uint8Array): this {
    this.first = 0x811c9dc5;
    this.second = 0x9747b28c;
    this.#path = path;
    this.#at = 0;
    this.#skipToName();
    return this;
  }

  /** Takes the next name; false when there is none. */
  next(): boolean {
    const path = this.#path;
    const start = this.#at;
    if (start >= path.length) return false;
    let [first, second] = [this.first, this.second];
    let at = start;
    for (; at < path.length && path[at] !== SLASH; at++) {
      first = Math.imul(first ^ path[at]!, 0x01000193);
      second = Math.imul(second ^ path[at]!, 0x5bd1e995) ^ (second >>> 15);
    }
    // A slash ends each name, so that `a/b` and `ab` differ.
    first = Math.imul(first ^ SLASH, 0x01000193);
    this.first = (first ^ (first >>> 13)) >>> 0;
    this.second = (Math.imul(second ^ SLASH, 0x5bd1e995) ^ (second >>> 13)) >>> 0;
    this.#at = at;
    this.#skipToName();
    return true;
  }

  #skipToName(): void {
    const path = this.#path;
    let at = this.#at;
    for (; at < path.length; at++) {
      const isDot = path[at] === DOT && (at + 1 === path.length || path[at + 1] === SLASH);
      if (path[at] !== SLASH && !isDot) break;
    }
    this.#at = at;
    this.isLast = at >= path.length;
  }
}
