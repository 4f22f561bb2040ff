/**
 * How a worker hands plain bytes to the main thread: a ring of slots in shared memory, and two
 * counters beside it. The worker fills a slot and counts it; the receiver gives it back by
 * counting, too. Whoever has nothing to do sleeps on the other's counter: a worker that is a
 * whole ring ahead, so memory stays bounded, and a receiver that has used all there is. No
 * message is sent for a slot: that took the worker longer than filling it.
 */
export interface Ring {
  /** `SLOTS` times `SLOT_BYTES`. */
  readonly slots: SharedArrayBuffer;
  /** Bytes in each slot: an int32 a slot. */
  readonly lengths: SharedArrayBuffer;
  /** Two int32: how many slots were ever filled, and given back. */
  readonly counts: SharedArrayBuffer;
}

/** What zlib gives at once. */
export const SLOT_BYTES = 1 << 20;
/** What a worker may run ahead: enough to bridge what the receiver does between two chunks. */
const SLOTS = 8;
const WAKE_EVERY = SLOTS / 2;
const INT_BYTES = Int32Array.BYTES_PER_ELEMENT;
const FILLED = 0;
const FREED = 1;

export function createRing(): Ring {
  return {
    slots: new SharedArrayBuffer(SLOTS * SLOT_BYTES),
    lengths: new SharedArrayBuffer(SLOTS * INT_BYTES),
    counts: new SharedArrayBuffer(2 * INT_BYTES),
  };
}

function slotOf(ring: Ring, turn: number): Uint8Array {
  return new Uint8Array(ring.slots, (turn % SLOTS) * SLOT_BYTES, SLOT_BYTES);
}

/** The worker's end. */
export class RingWriter {
  readonly #ring: Ring;
  readonly #lengths: Int32Array;
  readonly #counts: Int32Array;
  #turn = 0;

  constructor(ring: Ring) {
    this.#ring = ring;
    this.#lengths = new Int32Array(ring.lengths);
    this.#counts = new Int32Array(ring.counts);
  }

  write(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; at += SLOT_BYTES) {
      this.#awaitSlot();
      const piece = bytes.subarray(at, at + SLOT_BYTES);
      slotOf(this.#ring, this.#turn).set(piece);
      this.#lengths[this.#turn++ % SLOTS] = piece.length;
      Atomics.store(this.#counts, FILLED, this.#turn);
      Atomics.notify(this.#counts, FILLED);
    }
  }

  /** Blocks the whole worker, which has nothing else to do. */
  #awaitSlot(): void {
    for (;;) {
      const freed = Atomics.load(this.#counts, FREED);
      if (this.#turn - freed < SLOTS) return;
      Atomics.wait(this.#counts, FREED, freed);
    }
  }
}

/** The receiver's end. */
export class RingReader {
  readonly #ring: Ring;
  readonly #lengths: Int32Array;
  readonly #counts: Int32Array;
  #turn = 0;

  constructor(ring: Ring) {
    this.#ring = ring;
    this.#lengths = new Int32Array(ring.lengths);
    this.#counts = new Int32Array(ring.counts);
  }

  /** The next slot's bytes, lent until `free`; undefined while none is filled. */
  take(): Uint8Array | undefined {
    if (Atomics.load(this.#counts, FILLED) === this.#turn) return undefined;
    const turn = this.#turn++;
    return slotOf(this.#ring, turn).subarray(0, this.#lengths[turn % SLOTS]);
  }

  free(): void {
    const freed = Atomics.add(this.#counts, FREED, 1) + 1;
    // Waking costs more than freeing: a worker that sleeps is woken for some slots at once.
    if (freed % WAKE_EVERY === 0) Atomics.notify(this.#counts, FREED);
  }

  /** Resolves when a slot is filled that was not taken, or somebody calls `wake`. */
  async filled(): Promise<void> {
    await Atomics.waitAsync(this.#counts, FILLED, this.#turn).value;
  }

  /** Lets whoever waits look around. */
  wake(): void {
    Atomics.notify(this.#counts, FILLED);
  }
}
