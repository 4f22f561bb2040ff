import { uint32Column } from "../../bytes/index.ts";
import type { Run } from "./free-runs.ts";

/** A run of a file's blocks: from block `logical` of the file on they lie at `start`. */
export interface FileRun extends Run {
  readonly logical: number;
}

/**
 * Where the files' blocks are: a table of runs, twelve bytes each, the runs of one file in a
 * row. Files get numbers in the order in which they begin.
 */
export class FileExtents {
  readonly #logical = uint32Column();
  readonly #start = uint32Column();
  readonly #length = uint32Column();
  /** First run of each file. */
  readonly #first = uint32Column();

  /** Begins the next file and returns its number. */
  begin(): number {
    return this.#first.push(this.#logical.length);
  }

  /** Takes back the file that was begun last; it must have no runs. */
  forget(): void {
    this.#first.length--;
  }

  /** Adds a run to the file that was begun last; joins it to the one before where it continues. */
  add({ logical, start, length }: FileRun): void {
    const last = this.#logical.length - 1;
    if (last >= this.#first.get(this.#first.length - 1)) {
      const before = this.#length.get(last);
      if (
        this.#logical.get(last) + before === logical &&
        this.#start.get(last) + before === start
      ) {
        this.#length.set(last, before + length);
        return;
      }
    }
    this.#logical.push(logical);
    this.#start.push(start);
    this.#length.push(length);
  }

  /** Index of the first run of `file`, and one past its last. */
  range(file: number): { readonly from: number; readonly to: number } {
    const next = file + 1;
    const to = next < this.#first.length ? this.#first.get(next) : this.#logical.length;
    return { from: this.#first.get(file), to };
  }

  run(index: number): FileRun {
    return { logical: this.logical(index), start: this.start(index), length: this.length(index) };
  }

  /** First logical block, first block and length of the run at `index`, without an object. */
  logical(index: number): number {
    return this.#logical.get(index);
  }

  start(index: number): number {
    return this.#start.get(index);
  }

  length(index: number): number {
    return this.#length.get(index);
  }

  /** The runs of `file`, in order. */
  runs(file: number): FileRun[] {
    const { from, to } = this.range(file);
    return Array.from({ length: to - from }, (_, i) => this.run(from + i));
  }

  /** Index of the run of `file` that holds block `logical`, or of the next one after it. */
  find(file: number, logical: number): number {
    let { from, to } = this.range(file);
    while (from < to) {
      const middle = (from + to) >>> 1;
      if (this.#logical.get(middle) + this.#length.get(middle) <= logical) from = middle + 1;
      else to = middle;
    }
    return from;
  }

  /** How many blocks `file` occupies. */
  blocks(file: number): number {
    const { from, to } = this.range(file);
    let sum = 0;
    for (let i = from; i < to; i++) sum += this.#length.get(i);
    return sum;
  }
}
