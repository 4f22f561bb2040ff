import type { Ino } from "../../tree/index.ts";
import { SLOT } from "./layout.ts";

const NO_XATTRS = new Uint8Array();

/** Where each inode of a tree lies in the image, and what lies with it: 16 bytes each and a few maps. */
export class InodePlan {
  /** In the order in which they were met. */
  readonly inodes: Ino[] = [];
  readonly xattrs = new Map<Ino, Uint8Array>();
  /** Byte of each inode; 0 = not placed yet. */
  readonly #positions: Float64Array;
  /** First block of contents that the tree's walk placed: of directories, long symlinks. */
  readonly #blocks: Uint32Array;

  constructor(count: number) {
    this.#positions = new Float64Array(count);
    this.#blocks = new Uint32Array(count);
  }

  isPlaced(ino: Ino): boolean {
    return this.#positions[ino] !== 0;
  }

  place(ino: Ino, position: number): void {
    this.#positions[ino] = position;
    this.inodes.push(ino);
  }

  position(ino: Ino): number {
    return this.#positions[ino]!;
  }

  nid(ino: Ino): number {
    return this.#positions[ino]! / SLOT;
  }

  setBlock(ino: Ino, block: number): void {
    this.#blocks[ino] = block;
  }

  block(ino: Ino): number {
    return this.#blocks[ino]!;
  }

  xattrsOf(ino: Ino): Uint8Array {
    return this.xattrs.get(ino) ?? NO_XATTRS;
  }

  /** i_ino and inode of each, in the order of their places. */
  inOrder(): Iterable<readonly [number, Ino]> {
    const order = Uint32Array.from(this.inodes.keys());
    order.sort((a, b) => this.#positions[this.inodes[a]!]! - this.#positions[this.inodes[b]!]!);
    const { inodes } = this;
    return (function* () {
      for (const index of order) yield [index + 1, inodes[index]!] as const;
    })();
  }
}
