/** Bytes of blocks that are kept. */
const CACHE_BYTES = 4 << 20;

/** The blocks of metadata that were read last. */
export class BlockCache {
  /** Oldest first; a Map keeps the order of insertion. */
  readonly #blocks = new Map<number, Uint8Array>();

  /** Block `number`, as `read` gives it or as it is kept; to be left unchanged. */
  get(number: number, read: () => Uint8Array): Uint8Array {
    const bytes = this.#blocks.get(number) ?? read();
    this.#blocks.delete(number);
    this.#blocks.set(number, bytes);
    if (this.#blocks.size * bytes.length > CACHE_BYTES) {
      this.#blocks.delete(this.#blocks.keys().next().value!);
    }
    return bytes;
  }
}
