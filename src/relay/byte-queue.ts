/** Pieces below this are copied together, so that many small ones take little more than their bytes. */
const SMALL_BYTES = 4096;
const BLOCK_BYTES = 16_384;

/** Bytes that wait, in order; how many, their user bounds. */
export class ByteQueue {
  #pieces: Uint8Array[] = [];
  /** Bytes free behind the last piece, in its own block. */
  #room = 0;
  #bytes = 0;

  get bytes(): number {
    return this.#bytes;
  }

  /** Takes `piece` in; it belongs to the queue from then on. */
  push(piece: Uint8Array): void {
    this.#bytes += piece.length;
    if (piece.length >= SMALL_BYTES) {
      this.#pieces.push(piece);
      this.#room = 0;
    } else if (piece.length > 0) {
      this.#append(piece);
    }
  }

  /** The first bytes, between 1 and `most` of them; the queue must hold some. */
  take(most: number): Uint8Array {
    const first = this.#pieces[0]!;
    const taken = first.subarray(0, most);
    this.#bytes -= taken.length;
    if (taken.length < first.length) this.#pieces[0] = first.subarray(taken.length);
    else this.#pieces.shift();
    if (this.#pieces.length === 0) this.#room = 0;
    return taken;
  }

  clear(): void {
    this.#pieces = [];
    this.#room = 0;
    this.#bytes = 0;
  }

  #append(piece: Uint8Array): void {
    if (piece.length > this.#room) {
      this.#pieces.push(new Uint8Array(BLOCK_BYTES).subarray(0, 0));
      this.#room = BLOCK_BYTES;
    }
    const last = this.#pieces.at(-1)!;
    const end = last.byteOffset + last.length;
    const grown = new Uint8Array(last.buffer, last.byteOffset, last.length + piece.length);
    new Uint8Array(last.buffer, end, piece.length).set(piece);
    this.#pieces[this.#pieces.length - 1] = grown;
    this.#room -= piece.length;
  }
}
