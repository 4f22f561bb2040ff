type TypedArray = Float64Array | Int32Array | Uint32Array | Uint16Array | Uint8Array;

/** A typed array that grows by doubling: one column of a table of compact records. */
export class Column<A extends TypedArray = TypedArray> {
  values: A;
  length = 0;
  readonly #make: (length: number) => A;

  constructor(make: (length: number) => A, initialLength = 64) {
    this.#make = make;
    this.values = make(initialLength);
  }

  /** Appends `value` and returns its index. */
  push(value: number): number {
    if (this.length === this.values.length) this.#grow(this.length + 1);
    this.values[this.length] = value;
    return this.length++;
  }

  /** Appends all of `bytes` and returns the index of the first. */
  append(bytes: ArrayLike<number>): number {
    const start = this.length;
    if (start + bytes.length > this.values.length) this.#grow(start + bytes.length);
    this.values.set(bytes, start);
    this.length = start + bytes.length;
    return start;
  }

  get(index: number): number {
    return this.values[index]!;
  }

  set(index: number, value: number): void {
    this.values[index] = value;
  }

  #grow(atLeast: number): void {
    const grown = this.#make(Math.max(atLeast, this.values.length * 2));
    grown.set(this.values);
    this.values = grown;
  }
}

export const int32Column = (): Column<Int32Array> => new Column((n) => new Int32Array(n));
export const uint32Column = (): Column<Uint32Array> => new Column((n) => new Uint32Array(n));
export const uint16Column = (): Column<Uint16Array> => new Column((n) => new Uint16Array(n));
export const uint8Column = (): Column<Uint8Array> => new Column((n) => new Uint8Array(n));
export const float64Column = (): Column<Float64Array> => new Column((n) => new Float64Array(n));
