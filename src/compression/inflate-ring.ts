/**
 * How a worker hands plain bytes to the main thread: a ring of slots in shared memory. The
 * worker fills a slot and posts its length; the receiver frees it by counting one turn. A
 * worker that has run a whole ring ahead sleeps until then, so memory stays bounded.
 */
export interface Ring {
  /** `SLOTS` times `SLOT_BYTES`. */
  readonly slots: SharedArrayBuffer;
  /** One int32: how many slots the receiver has freed. */
  readonly freed: SharedArrayBuffer;
}

/** What zlib gives at once. */
export const SLOT_BYTES = 1 << 20;
/** What a worker may run ahead: enough to bridge what the receiver does between two chunks. */
const SLOTS = 8;
const WAKE_EVERY = SLOTS / 2;

export function createRing(): Ring {
  return {
    slots: new SharedArrayBuffer(SLOTS * SLOT_BYTES),
    freed: new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT),
  };
}

function slotOf(ring: Ring, turn: number): Uint8Array {
  return new Uint8Array(ring.slots, (turn % SLOTS) * SLOT_BYTES, SLOT_BYTES);
}

/** The worker's end. */
export class RingWriter {
  readonly #ring: Ring;
  readonly #freed: Int32Array;
  readonly #post: (lengthBytes: number) => void;
  #turn = 0;

  /** `post` tells the receiver that the next slot holds so many bytes. */
  constructor(ring: Ring, post: (lengthBytes: number) => void) {
    this.#ring = ring;
    this.#freed = new Int32Array(ring.freed);
    this.#post = post;
  }

  write(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; at += SLOT_BYTES) {
      this.#awaitSlot();
      const piece = bytes.subarray(at, at + SLOT_BYTES);
      slotOf(this.#ring, this.#turn++).set(piece);
      this.#post(piece.length);
    }
  }

  /** Blocks the whole worker, which has nothing else to do. */
  #awaitSlot(): void {
    for (;;) {
      const freed = Atomics.load(this.#freed, 0);
      if (this.#turn - freed < SLOTS) return;
      Atomics.wait(this.#freed, 0, freed);
    }
  }
}

/** The receiver's end. */
export class RingReader {
  readonly #ring: Ring;
  readonly #freed: Int32Array;
  #turn = 0;

  constructor(ring: Ring) {
    this.#ring = ring;
    this.#freed = new Int32Array(ring.freed);
  }

  /** The next slot's bytes, lent until `free`. */
  take(lengthBytes: number): Uint8Array {
    return slotOf(this.#ring, this.#turn++).subarray(0, lengthBytes);
  }

  free(): void {
    const freed = Atomics.add(this.#freed, 0, 1) + 1;
    // Waking costs more than freeing: a worker that sleeps is woken for some slots at once.
    if (freed % WAKE_EVERY === 0) Atomics.notify(this.#freed, 0);
  }
}
