import { WickError } from "../../errors/index.ts";
import type { Descriptor } from "../../formats/oci/index.ts";

/** At once, as Docker does by default (max-concurrent-downloads). */
const AT_ONCE = 3;

/**
 * The downloads of an image's layers: all of them once the first is asked for, the top one
 * first (what is on top is unpacked first), three at once. One that fails ends the others.
 */
export class LayerDownloads {
  readonly #layers: readonly Descriptor[];
  readonly #download: (index: number, signal: AbortSignal) => Promise<string>;
  readonly #stop = new AbortController();
  #running: readonly Promise<string>[] | undefined;

  constructor(
    layers: readonly Descriptor[],
    download: (index: number, signal: AbortSignal) => Promise<string>,
  ) {
    this.#layers = layers;
    this.#download = download;
  }

  /** The path of the layer's blob, once it is whole. */
  path(index: number, signal: AbortSignal | undefined): Promise<string> {
    this.#running ??= this.#start(signal);
    return this.#running[index]!;
  }

  /** All of them, lowest first. */
  paths(signal: AbortSignal | undefined): Promise<string[]> {
    this.#running ??= this.#start(signal);
    return Promise.all(this.#running);
  }

  /** Ends them: whoever began them ahead of their turn may not be there any more to do so. */
  stop(): void {
    this.#stop.abort(new WickError("INTERRUPTED", "Interrupted"));
  }

  #start(outer: AbortSignal | undefined): readonly Promise<string>[] {
    const stop = this.#stop;
    const signal = outer === undefined ? stop.signal : AbortSignal.any([outer, stop.signal]);
    const free = new Slots(AT_ONCE);
    const running = Array<Promise<string>>(this.#layers.length);
    for (let index = this.#layers.length - 1; index >= 0; index--) {
      running[index] = free.run(() => {
        signal.throwIfAborted();
        return this.#download(index, signal);
      });
      // Whoever waits for another layer must not be ended by an error that nobody took.
      running[index]!.catch((error: unknown) => stop.abort(error));
    }
    return running;
  }
}

/** Runs work in the order in which it comes, so much of it at once. */
class Slots {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(count: number) {
    this.#free = count;
  }

  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free === 0) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#free--;
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free++;
      else next();
    }
  }
}
