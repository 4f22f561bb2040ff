const NOTHING = new Uint8Array(0);

/** Hands out a stream's bytes in lengths that its reader chooses, holding one chunk at a time. */
export class ByteQueue {
  readonly #source: AsyncIterator<Uint8Array>;
  #rest: Uint8Array = NOTHING;
  #position = 0;

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  /** How many bytes were handed out. */
  get position(): number {
    return this.#position;
  }

  /** Up to `most` bytes, at least one unless the stream has ended; only lent. */
  async some(most: number): Promise<Uint8Array> {
    while (this.#rest.length === 0) {
      const next = await this.#source.next();
      if (next.done === true) return NOTHING;
      this.#rest = next.value;
    }
    const taken = this.#rest.subarray(0, most);
    this.#rest = this.#rest.subarray(taken.length);
    this.#position += taken.length;
    return taken;
  }

  /** The next `length` bytes, fewer only where the stream ends. */
  async take(length: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(length);
    let filled = 0;
    while (filled < length) {
      const some = await this.some(length - filled);
      if (some.length === 0) return bytes.subarray(0, filled);
      bytes.set(some, filled);
      filled += some.length;
    }
    return bytes;
  }

  /** Tells the stream that nobody reads on. */
  async close(): Promise<void> {
    await this.#source.return?.();
  }
}
