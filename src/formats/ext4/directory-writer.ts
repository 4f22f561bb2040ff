import { WickError } from "../../errors/index.ts";
import { display } from "../../bytes/index.ts";
import {
  dotEntries,
  LeafBlock,
  LEAF_BYTES,
  recordLength,
  type DirectoryEntry,
} from "./directory-block.ts";
import { cutLeaves, putIndex } from "./htree.ts";
import { nameHash, type HashSeed } from "./htree-hash.ts";

/** A directory to write. */
export interface Directory {
  /** Numbers on disk of the directory and of the one that holds it. */
  readonly self: number;
  readonly parent: number;
  readonly entries: readonly DirectoryEntry[];
  /** Where its checksums start from. */
  readonly inodeSeed: number;
}

/** Emits directories as blocks: one leaf where that suffices, else a hash tree. */
export class DirectoryWriter {
  readonly #seed: HashSeed;
  readonly #put: (block: Uint8Array) => void;
  readonly #leaf = new LeafBlock();

  /** `put` gets the blocks in order; they are only lent. */
  constructor(seed: HashSeed, put: (block: Uint8Array) => void) {
    this.#seed = seed;
    this.#put = put;
  }

  write(directory: Directory): void {
    let bytes = 2 * recordLength(2);
    for (const { name } of directory.entries) {
      checkName(name);
      bytes += recordLength(name.length);
    }
    if (bytes <= LEAF_BYTES) this.#writeLinear(directory);
    else this.#writeIndexed(directory);
  }

  #writeLinear({ self, parent, entries, inodeSeed }: Directory): void {
    this.#leaf.clear();
    for (const entry of dotEntries(self, parent)) this.#leaf.add(entry);
    for (const entry of entries) this.#leaf.add(entry);
    this.#leaf.seal(inodeSeed);
    this.#put(this.#leaf.bytes);
  }

  #writeIndexed({ self, parent, entries, inodeSeed }: Directory): void {
    const { order, hashes } = this.#sortByHash(entries);
    const lengths = order.map((i) => recordLength(entries[i]!.name.length));
    const leaves = cutLeaves(hashes, lengths, LEAF_BYTES);
    putIndex({ leaves, self, parent, inodeSeed, put: this.#put });
    for (const [leaf, from] of leaves.starts.entries()) {
      const to = leaves.starts[leaf + 1] ?? order.length;
      this.#leaf.clear();
      for (let i = from; i < to; i++) this.#leaf.add(entries[order[i]!]!);
      this.#leaf.seal(inodeSeed);
      this.#put(this.#leaf.bytes);
    }
  }

  /** Indexes of the entries in the order of their hashes, and those hashes. */
  #sortByHash(entries: readonly DirectoryEntry[]): { order: Uint32Array; hashes: Uint32Array } {
    const byEntry = Uint32Array.from(entries, ({ name }) => nameHash(name, this.#seed));
    const order = Uint32Array.from(entries, (_, i) => i);
    order.sort((a, b) => byEntry[a]! - byEntry[b]! || a - b);
    return { order, hashes: order.map((i) => byEntry[i]!) };
  }
}

/** What no directory may hold: the kernel and e2fsck take it for damage. */
function checkName(name: Uint8Array): void {
  const isDots = name.length <= 2 && name[0] === 0x2e && (name[1] ?? 0x2e) === 0x2e;
  if (name.length > 0 && !isDots && !name.includes(0x2f) && !name.includes(0)) return;
  throw new WickError(
    "ARCHIVE_INVALID",
    `Cannot write the name "${display(name)}": wanted one that is not "." or ".." and has no "/" or NUL in it`,
  );
}
