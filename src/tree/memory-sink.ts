import { NO_PLACE, type Place, type Sink } from "./sink.ts";

/** A run of bytes of a file; what lies between runs is a hole. */
interface Run {
  readonly start: number;
  readonly bytes: Uint8Array;
}

/** A sink that keeps files' bytes in memory, and holes as holes. */
export class MemorySink implements Sink {
  /** Files by place; undefined once discarded. */
  readonly #files: (readonly Run[] | undefined)[] = [];
  #runs: Run[] = [];
  #length = 0;

  begin(): void {
    this.#runs = [];
    this.#length = 0;
  }

  data(chunk: Uint8Array): void {
    if (chunk.length > 0) this.#runs.push({ start: this.#length, bytes: new Uint8Array(chunk) });
    this.#length += chunk.length;
  }

  hole(lengthBytes: number): void {
    this.#length += lengthBytes;
  }

  end(): Place {
    return this.#length === 0 ? NO_PLACE : this.#files.push(this.#runs) - 1;
  }

  discard(place: Place): void {
    this.#files[place] = undefined;
  }

  read(place: Place, target: Uint8Array, position: number): void {
    target.fill(0);
    const end = position + target.length;
    for (const { start, bytes } of this.#files[place] ?? []) {
      const from = Math.max(start, position);
      const to = Math.min(start + bytes.length, end);
      if (from < to) target.set(bytes.subarray(from - start, to - start), from - position);
    }
  }

  /** Places that are in use, and bytes kept for them, holes not counted. */
  usage(): { readonly places: number; readonly bytes: number } {
    const files = this.#files.filter((runs) => runs !== undefined);
    const bytes = files.flat().reduce((sum, run) => sum + run.bytes.length, 0);
    return { places: files.length, bytes };
  }
}
