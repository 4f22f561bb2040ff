import { int32Column, uint16Column } from "../../bytes/index.ts";
import { NO_PLACE, type Ino, type Place } from "../../tree/index.ts";
import type { ExtentTree } from "./extents-writer.ts";
import { FIRST_INO } from "./layout-flags.ts";
import type { PlacedXattrs } from "./xattr-writer.ts";

/** In place of a tree's inode: nothing, or what wick makes itself. */
export const NO_INO: Ino = -1;
export const MADE_LOST_FOUND: Ino = -2;

/** Attributes of one inode, and the block that holds those which do not fit into it. */
export interface StoredXattrs extends PlacedXattrs {
  /** 0 = no block. */
  readonly blockNumber: number;
}

/**
 * The inodes on disk, by their numbers: which inode of the tree each one is, and what was
 * found out about it while the directories were written. Ten bytes each, and more for the few
 * that have attributes or many extents.
 */
export class InodePlan {
  readonly #ino = int32Column();
  readonly #place = int32Column();
  readonly #links = uint16Column();
  readonly extentTrees = new Map<number, ExtentTree>();
  readonly xattrs = new Map<number, StoredXattrs>();

  constructor() {
    // Numbers below FIRST_INO have fixed meanings; 0 is none at all; FIRST_INO is lost+found.
    while (this.#ino.length <= FIRST_INO) this.add(NO_INO);
  }

  /** The highest number; all up to it count as used. */
  get last(): number {
    return this.#ino.length - 1;
  }

  /** Gives `ino` the next number. */
  add(ino: Ino): number {
    this.#place.push(NO_PLACE);
    this.#links.push(0);
    return this.#ino.push(ino);
  }

  /** Gives `ino` one of the fixed numbers. */
  setIno(number: number, ino: Ino): void {
    this.#ino.set(number, ino);
  }

  ino(number: number): Ino {
    return this.#ino.get(number);
  }

  setPlace(number: number, place: Place): void {
    this.#place.set(number, place);
  }

  place(number: number): Place {
    return this.#place.get(number);
  }

  setLinks(number: number, links: number): void {
    this.#links.set(number, links);
  }

  links(number: number): number {
    return this.#links.get(number);
  }
}
