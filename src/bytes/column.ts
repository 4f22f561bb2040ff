type TypedArray = Float64Array | Int32Array | Uint32Array | Uint16Array | Uint8Array;

/** Values of a chunk: what grows by doubling leaves as much garbage as it holds. */
const CHUNK_BITS = 12;
const CHUNK_VALUES = 1 << CHUNK_BITS;
const IN_CHUNK = CHUNK_VALUES - 1;

/** Numbers in typed arrays that grows chunk by chunk: one column of a table of compact records. */
export class Column<A extends TypedArray = TypedArray> {
  length = 0;
  readonly #chunks: A[] = [];
  readonly #make: (length: number) => A;

  constructor(make: (length: number) => A) {
    this.#make = make;
  }

  /** Appends `value` and returns its index. */
  push(value: number): number {
    const index = this.length++;
    const chunk = (this.#chunks[index >>> CHUNK_BITS] ??= this.#make(CHUNK_VALUES));
    chunk[index & IN_CHUNK] = value;
    return index;
  }

  get(index: number): number {
    return this.#chunks[index >>> CHUNK_BITS]![index & IN_CHUNK]!;
  }

  set(index: number, value: number): void {
    this.#chunks[index >>> CHUNK_BITS]![index & IN_CHUNK] = value;
  }
}

export const int32Column = (): Column<Int32Array> => new Column((n) => new Int32Array(n));
export const uint32Column = (): Column<Uint32Array> => new Column((n) => new Uint32Array(n));
export const uint16Column = (): Column<Uint16Array> => new Column((n) => new Uint16Array(n));
export const uint8Column = (): Column<Uint8Array> => new Column((n) => new Uint8Array(n));
export const float64Column = (): Column<Float64Array> => new Column((n) => new Float64Array(n));
