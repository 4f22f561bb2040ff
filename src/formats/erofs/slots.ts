import { alignUp } from "../../bytes/index.ts";
import { BLOCK, inodeExtended, SLOT } from "./layout.ts";
import type { Output } from "./output.ts";

/** Blocks that are kept open for more: with fewer, long ends of files leave more unused. */
const OPEN_BLOCKS = 16;

interface OpenBlock {
  readonly position: number;
  readonly bytes: Uint8Array;
  used: number;
}

/**
 * Places inodes with what follows them. Each goes into the block that it fills best, of a few
 * that are open; no inode, and no end of a file behind one, lies across two blocks.
 */
export class Slots {
  readonly #output: Output;
  readonly #open: OpenBlock[] = [];

  constructor(output: Output) {
    this.#output = output;
  }

  /** Takes `lengthBytes`, a block at most, and writes `bytes` at `offset` in them; the byte where they start. */
  put(lengthBytes: number, bytes: Uint8Array, offset: number): number {
    const block = this.#find(lengthBytes);
    const start = block.used;
    block.bytes.set(bytes, start + offset);
    block.used = start + alignUp(lengthBytes, SLOT);
    this.#closeIfFull(block);
    return block.position + start;
  }

  /**
   * Takes room for `headBytes` with `tailBytes` behind them that must not lie across two
   * blocks; the head may, but not its inode.
   */
  take(headBytes: number, tailBytes: number): number {
    const lengthBytes = headBytes + tailBytes;
    if (lengthBytes <= BLOCK) return this.put(lengthBytes, NOTHING, 0);
    const lastOfHead = headBytes % BLOCK;
    // Moved so that the tail begins a block: at most 31 bytes behind its start.
    const shift = lastOfHead + tailBytes <= BLOCK ? 0 : alignUp(BLOCK - lastOfHead, SLOT);
    return this.#output.skip(alignUp(shift + lengthBytes, BLOCK)) + shift;
  }

  /** Brings the open blocks into the image. They stay open. */
  flush(): void {
    for (const { bytes, position } of this.#open) this.#output.patch(bytes, position);
  }

  /** Brings the open blocks into the image for good: from here on they are written there. */
  seal(): void {
    this.flush();
    this.#open.length = 0;
  }

  /** The open block with the least room that suffices, or a new one. */
  #find(lengthBytes: number): OpenBlock {
    let best: OpenBlock | undefined;
    for (const block of this.#open) {
      if (BLOCK - block.used < lengthBytes) continue;
      if (best === undefined || block.used > best.used) best = block;
    }
    if (best !== undefined) return best;
    if (this.#open.length === OPEN_BLOCKS) this.#close(this.#fullest());
    const opened = { position: this.#output.skip(BLOCK), bytes: new Uint8Array(BLOCK), used: 0 };
    this.#open.push(opened);
    return opened;
  }

  #fullest(): OpenBlock {
    return this.#open.reduce((a, b) => (b.used > a.used ? b : a));
  }

  #closeIfFull(block: OpenBlock): void {
    if (BLOCK - block.used < inodeExtended.sizeBytes) this.#close(block);
  }

  #close(block: OpenBlock): void {
    this.#open.splice(this.#open.indexOf(block), 1);
    this.#output.patch(block.bytes, block.position);
  }
}

const NOTHING = new Uint8Array();
