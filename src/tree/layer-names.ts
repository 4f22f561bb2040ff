import { uint32Column } from "../bytes/index.ts";
import type { Ino } from "./inodes.ts";
import type { Slot } from "./names.ts";
import { findPath, locatePath, type Location } from "./resolve.ts";
import { Tree } from "./tree.ts";

/**
 * Which names of a tree belong to the layer being unpacked: those that it made or described,
 * and the directories above them. Its whiteouts, wherever in the layer they stand, take away
 * all others and none of these (image-spec, layer.md: only against lower layers).
 */
export class LayerNames {
  readonly #tree: Tree;
  /** Told of what lost its last name. */
  readonly #onLast: (ino: Ino) => void;
  /** By slot, the last layer that a name belongs to; 0 is none. */
  readonly #layers = uint32Column();
  #layer = 1;
  /** Directories that hold nothing of lower layers any more: no need to look twice. */
  readonly #emptied = new Set<Ino>();

  constructor(tree: Tree, onLast: (ino: Ino) => void) {
    this.#tree = tree;
    this.#onLast = onLast;
  }

  /** All names up to now are those of lower layers. */
  next(): void {
    this.#layer++;
    this.#emptied.clear();
  }

  /** The name at `place`, where there is one by now, and all above it belong to this layer. */
  add({ directory, name }: Location): void {
    const slot = name.length === 0 ? -1 : this.#tree.slotAt(directory, name);
    if (slot >= 0) this.#set(slot);
    for (let at = directory; at !== Tree.ROOT; at = this.#tree.parent(at)) {
      const above = this.#tree.slotOf(at);
      if (above < 0 || this.#has(above)) return;
      this.#set(above);
    }
  }

  /** Takes away what is at `path`, or what of it lower layers have. */
  hide(path: Uint8Array): void {
    const place = locatePath(this.#tree, path, { follow: "parents" });
    if (place === undefined || place.ino < 0) return;
    const { directory, name } = place;
    if (!this.#has(this.#tree.slotAt(directory, name))) {
      this.#tree.remove(directory, name, this.#onLast);
    } else if (this.#tree.inodes.kind(place.ino) === "directory") this.#empty(place.ino);
  }

  /** Takes away what lower layers have in the directory at `path`. */
  empty(path: Uint8Array): void {
    const ino = findPath(this.#tree, path);
    if (ino >= 0 && this.#tree.inodes.kind(ino) === "directory") this.#empty(ino);
  }

  #empty(directory: Ino): void {
    const pending = [directory];
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      if (this.#emptied.has(next)) continue;
      this.#emptied.add(next);
      for (const slot of this.#tree.slotsIn(next)) {
        const { name, ino } = this.#tree.entryAt(slot);
        if (!this.#has(slot)) this.#tree.remove(next, name, this.#onLast);
        else if (this.#tree.inodes.kind(ino) === "directory") pending.push(ino);
      }
    }
  }

  #has(slot: Slot): boolean {
    return slot < this.#layers.length && this.#layers.get(slot) === this.#layer;
  }

  #set(slot: Slot): void {
    while (this.#layers.length <= slot) this.#layers.push(0);
    this.#layers.set(slot, this.#layer);
  }
}
