const CHUNK_BITS = 16;
const CHUNK_BYTES = 1 << CHUNK_BITS;

/** Many short byte strings (64 KiB at most, each), chunk by chunk; none lies across two chunks. */
export class BytePool {
  /** Bytes taken, with what is unused at the ends of chunks. */
  length = 0;
  readonly #chunks: Uint8Array[] = [];

  /** Keeps a copy of `bytes` and returns where it is. */
  append(bytes: Uint8Array): number {
    const left = CHUNK_BYTES - (this.length & (CHUNK_BYTES - 1));
    if (bytes.length > left) this.length += left;
    const at = this.length;
    this.chunkOf(at).set(bytes, this.inChunk(at));
    this.length += bytes.length;
    return at;
  }

  /** The `length` bytes that were kept at `at`, only lent. */
  view(at: number, length: number): Uint8Array {
    const start = this.inChunk(at);
    return this.chunkOf(at).subarray(start, start + length);
  }

  /** The chunk that holds the bytes kept at `at`, and where in it they begin. */
  chunkOf(at: number): Uint8Array {
    return (this.#chunks[Math.floor(at / CHUNK_BYTES)] ??= new Uint8Array(CHUNK_BYTES));
  }

  inChunk(at: number): number {
    return at % CHUNK_BYTES;
  }
}
