import { float64Column, uint16Column, uint32Column } from "../bytes/index.ts";
import { WickError } from "../errors/index.ts";
import type { Entry, Layer, LayerVisitor } from "./entry.ts";
import type { Ino } from "./inodes.ts";
import { NO_PLACE, type Place, type Sink } from "./sink.ts";
import type { Tree } from "./tree.ts";

/** Places from here downwards are numbers of files that have not been written. */
const FIRST = NO_PLACE - 1;

/** Files that were left out because a higher layer seemed to hide them. */
export class LateFiles {
  readonly #layer = uint16Column();
  readonly #file = uint32Column();
  readonly #size = float64Column();
  bytes = 0;

  get count(): number {
    return this.#file.length;
  }

  /** Takes note of the layer's file number `file`; returns a place that stands for it. */
  leaveOut(layer: number, file: number, sizeBytes: number): Place {
    this.#layer.push(layer);
    this.#size.push(sizeBytes);
    this.bytes += sizeBytes;
    return FIRST - this.#file.push(file);
  }

  /** Those that `tree` has after all: by layer, the inode of each by its number there. */
  wantedIn(tree: Tree): Map<number, Map<number, Ino>> {
    const wanted = new Map<number, Map<number, Ino>>();
    for (let ino = 0; ino < tree.inodes.count && this.count > 0; ino++) {
      const place = tree.inodes.place(ino);
      if (place > FIRST || tree.inodes.nameCount(ino) === 0) continue;
      const layer = this.#layer.get(FIRST - place);
      if (!wanted.has(layer)) wanted.set(layer, new Map());
      wanted.get(layer)!.set(this.#file.get(FIRST - place), ino);
    }
    return wanted;
  }
}

/** Takes out of a layer that is played again the files whose numbers are in `wanted`. */
export class LateReader implements LayerVisitor {
  readonly #layer: Layer;
  readonly #tree: Tree;
  readonly #sink: Sink;
  readonly #wanted: Map<number, Ino>;
  #files = 0;
  /** The inode of the file whose contents are coming; -1 when nobody wants them. */
  #ino: Ino = -1;

  constructor(
    layer: Layer,
    into: { readonly tree: Tree; readonly sink: Sink },
    wanted: ReadonlyMap<number, Ino>,
  ) {
    this.#layer = layer;
    this.#tree = into.tree;
    this.#sink = into.sink;
    this.#wanted = new Map(wanted);
  }

  entry(entry: Entry): void {
    if (entry.type !== "file") return;
    this.#ino = this.#wanted.get(this.#files++) ?? -1;
    if (this.#ino < 0) return;
    this.#wanted.delete(this.#files - 1);
    if (entry.size !== this.#tree.inodes.size(this.#ino)) throw this.#changed();
    this.#sink.begin();
  }

  data(chunk: Uint8Array): void {
    if (this.#ino >= 0) this.#sink.data(chunk);
  }

  hole(lengthBytes: number): void {
    if (this.#ino >= 0) this.#sink.hole(lengthBytes);
  }

  endFile(): void {
    if (this.#ino < 0) return;
    const size = this.#tree.inodes.size(this.#ino);
    this.#tree.inodes.setContents(this.#ino, { place: this.#sink.end(), size });
    this.#ino = -1;
  }

  /** Whatever there is to warn of was said the first time. */
  warn(): void {}

  /** Says that the layer has been played; all must have come. */
  end(): void {
    if (this.#wanted.size > 0) throw this.#changed();
  }

  #changed(): WickError {
    return new WickError(
      "ARCHIVE_INVALID",
      `Cannot read ${this.#layer.name} a second time: it is not what it was the first time`,
    );
  }
}
