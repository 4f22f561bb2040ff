import type { Ext4Inode } from "./reader-inodes.ts";
import type { BlockMap, Run } from "./reader-runs.ts";
import type { Volume } from "./reader-volume.ts";

/** Entries of i_block: so many blocks directly, then one each over one, two and three levels (ext2). */
const DIRECT = 12;
const LEVELS = 3;
const POINTER_BYTES = 4;

/** A table of block numbers; entry 0 stands for block `first` of the file, each for `span` blocks. */
interface Table {
  readonly view: DataView;
  readonly count: number;
  readonly first: number;
}

/** The block map of ext2 and ext3: trees of fixed depth, so that no loop can form. */
export class IndirectMap implements BlockMap {
  readonly #volume: Volume;
  readonly #inode: Ext4Inode;
  readonly #perBlock: number;

  constructor(volume: Volume, inode: Ext4Inode) {
    this.#volume = volume;
    this.#inode = inode;
    this.#perBlock = volume.geometry.blockSize / POINTER_BYTES;
  }

  find(logical: number): Run {
    const view = viewOf(this.#inode.raw.i_block);
    if (logical < DIRECT) return this.#run(logical, { view, count: DIRECT, first: 0 });
    let first = DIRECT;
    for (let level = 1; level <= LEVELS; level++) {
      const span = this.#perBlock ** level;
      if (logical < first + span) {
        const root = view.getUint32((DIRECT + level - 1) * POINTER_BYTES, true);
        return this.#descend(logical, root, level, first);
      }
      first += span;
    }
    throw this.#volume.invalid(`inode ${this.#inode.ino} has more blocks than its map reaches`);
  }

  #descend(logical: number, root: number, levels: number, start: number): Run {
    let number = root;
    let first = start;
    for (let level = levels; level >= 1; level--) {
      if (number === 0) {
        const end = first + this.#perBlock ** level;
        return { logical, length: end - logical, physical: undefined };
      }
      const view = viewOf(this.#volume.block(number, `a block map of inode ${this.#inode.ino}`));
      if (level === 1) return this.#run(logical, { view, count: this.#perBlock, first });
      const span = this.#perBlock ** (level - 1);
      const index = Math.floor((logical - first) / span);
      number = view.getUint32(index * POINTER_BYTES, true);
      first += index * span;
    }
    throw this.#volume.invalid("a block map without levels");
  }

  /** As many entries from `logical` on as lie behind one another, or as are all holes. */
  #run(logical: number, { view, count, first }: Table): Run {
    const index = logical - first;
    const at = (i: number) => view.getUint32(i * POINTER_BYTES, true);
    const physical = at(index);
    const step = physical === 0 ? 0 : 1;
    let length = 1;
    while (index + length < count && at(index + length) === physical + step * length) length++;
    if (physical === 0) return { logical, length, physical: undefined };
    this.#volume.checkBlocks(physical, length, `inode ${this.#inode.ino}`);
    return { logical, length, physical };
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}
