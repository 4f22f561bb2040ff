/** A run of blocks. */
export interface Run {
  readonly start: number;
  readonly length: number;
}

/**
 * Runs of blocks that were set aside or given back and may be used again: sorted and merged
 * when they are looked at, taken from the lowest that fits.
 */
export class FreeRuns {
  #starts: number[] = [];
  #lengths: number[] = [];
  #sorted = true;
  /** Every run before it is used up. */
  #first = 0;
  /** No run is longer than this. */
  #longest = 0;

  clone(): FreeRuns {
    const copy = new FreeRuns();
    copy.#starts = [...this.#starts];
    copy.#lengths = [...this.#lengths];
    copy.#sorted = this.#sorted;
    copy.#first = this.#first;
    copy.#longest = this.#longest;
    return copy;
  }

  add({ start, length }: Run): void {
    if (length <= 0) return;
    this.#starts.push(start);
    this.#lengths.push(length);
    this.#sorted = false;
  }

  /** Takes `length` contiguous blocks; returns the first, or undefined when no run has so many. */
  take(length: number): number | undefined {
    this.#sort();
    if (length > this.#longest) return undefined;
    for (let i = this.#first; i < this.#lengths.length; i++) {
      if (this.#lengths[i]! >= length) return this.#takeFrom(i, length);
    }
    this.#longest = length - 1;
    return undefined;
  }

  /** Takes the lowest whole run of at least `atLeast` blocks. */
  takeRun(atLeast: number): Run | undefined {
    this.#sort();
    if (atLeast > this.#longest) return undefined;
    for (let i = this.#first; i < this.#lengths.length; i++) {
      const length = this.#lengths[i]!;
      if (length >= atLeast) return { start: this.#takeFrom(i, length), length };
    }
    this.#longest = atLeast - 1;
    return undefined;
  }

  /** All runs, lowest first. */
  *[Symbol.iterator](): Generator<Run> {
    this.#sort();
    for (let i = this.#first; i < this.#lengths.length; i++) {
      const length = this.#lengths[i]!;
      if (length > 0) yield { start: this.#starts[i]!, length };
    }
  }

  #takeFrom(i: number, length: number): number {
    const start = this.#starts[i]!;
    this.#starts[i] = start + length;
    this.#lengths[i]! -= length;
    while (this.#first < this.#lengths.length && this.#lengths[this.#first] === 0) this.#first++;
    return start;
  }

  #sort(): void {
    if (this.#sorted) return;
    const runs = this.#starts
      .map((start, i) => ({ start, length: this.#lengths[i]! }))
      .filter((run) => run.length > 0)
      .sort((a, b) => a.start - b.start);
    this.#starts = [];
    this.#lengths = [];
    this.#longest = 0;
    for (const { start, length } of runs) this.#append(start, length);
    this.#first = 0;
    this.#sorted = true;
  }

  #append(start: number, length: number): void {
    const last = this.#starts.length - 1;
    if (last >= 0 && start === this.#starts[last]! + this.#lengths[last]!) {
      this.#lengths[last]! += length;
    } else {
      this.#starts.push(start);
      this.#lengths.push(length);
    }
    this.#longest = Math.max(this.#longest, this.#lengths.at(-1)!);
  }
}
