import type { LayerVisitor } from "../../tree/index.ts";
import type { SparseMap } from "./sparse.ts";

/** Plays one file's contents to the visitor, holes put in where a sparse map has them. */
export class Contents {
  readonly #visitor: LayerVisitor;
  #map: SparseMap | undefined;
  #realSize = 0;
  /** Stretch of the map, bytes of it already played, byte of the file played up to. */
  #stretch = 0;
  #played = 0;
  #position = 0;

  constructor(visitor: LayerVisitor) {
    this.#visitor = visitor;
  }

  begin(realSize: number, map: SparseMap | undefined): void {
    this.#map = map;
    this.#realSize = realSize;
    this.#stretch = 0;
    this.#played = 0;
    this.#position = 0;
  }

  /** Whether the archive holds all of the file as it is. */
  get isPlain(): boolean {
    return this.#map === undefined;
  }

  /** Takes bytes `start` to `end` of `chunk`: the next bytes in the archive. */
  data(chunk: Uint8Array, start: number, end: number): void {
    if (this.#map === undefined) {
      this.#visitor.data(chunk.subarray(start, end));
      return;
    }
    let at = start;
    while (at < end) at = this.#mapped(this.#map, chunk, at, end);
  }

  end(): void {
    if (this.#map !== undefined) this.#holeUpTo(this.#realSize);
    this.#visitor.endFile();
  }

  #mapped(map: SparseMap, chunk: Uint8Array, at: number, end: number): number {
    const length = map.lengths[this.#stretch]!;
    if (this.#played === 0) this.#holeUpTo(map.offsets[this.#stretch]!);
    const stop = Math.min(end, at + length - this.#played);
    this.#visitor.data(chunk.subarray(at, stop));
    this.#position += stop - at;
    this.#played += stop - at;
    if (this.#played === length) {
      this.#stretch++;
      this.#played = 0;
    }
    return stop;
  }

  #holeUpTo(position: number): void {
    if (position > this.#position) this.#visitor.hole(position - this.#position);
    this.#position = position;
  }
}
