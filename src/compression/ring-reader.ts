import type { ReadableStorage } from "../bytes/index.ts";
import { COUNT, type Ring, SLOT_BYTES, slotOf, SLOTS } from "./inflate-ring.ts";

const WAKE_EVERY = SLOTS / 2;

/** The receiver's end of a {@link Ring}, for one job after the other. */
export class RingReader {
  readonly #ring: Ring;
  readonly #lengths: Int32Array;
  readonly #counts: Int32Array;
  #taken = 0;
  #turn = 0;
  #spool: ReadableStorage | undefined;
  #unspooled = 0;
  #spoolPosition = 0;
  /** A piece of the spool: one is lent at a time. */
  #memory: Uint8Array | undefined;
  #isFromSpool = false;

  constructor(ring: Ring) {
    this.#ring = ring;
    this.#lengths = new Int32Array(ring.lengths);
    this.#counts = new Int32Array(ring.counts);
  }

  /** Before a job begins: where it spools, if it may. The former one has left nothing. */
  prepare(spool: ReadableStorage | undefined): void {
    this.#spool = spool;
    this.#unspooled = 0;
    this.#spoolPosition = 0;
    Atomics.store(this.#counts, COUNT.SPOOL_FREED, 0);
    Atomics.store(this.#counts, COUNT.READING, 0);
  }

  /** From here on pieces are taken: what finds the ring full may wait. */
  beginReading(): void {
    Atomics.store(this.#counts, COUNT.READING, 1);
  }

  /** The next piece, lent until `free`; undefined while there is none. */
  take(): Uint8Array | undefined {
    if (Atomics.load(this.#counts, COUNT.GIVEN) === this.#taken) return undefined;
    this.#taken++;
    this.#isFromSpool = Atomics.load(this.#counts, COUNT.IN_RING) === this.#turn;
    return this.#isFromSpool ? this.#unspool() : this.#takeSlot();
  }

  #takeSlot(): Uint8Array {
    const turn = this.#turn++;
    return slotOf(this.#ring, turn).subarray(0, this.#lengths[turn % SLOTS]);
  }

  #unspool(): Uint8Array {
    const turn = this.#unspooled++;
    this.#memory ??= new Uint8Array(SLOT_BYTES);
    const piece = this.#memory.subarray(0, this.#lengths[SLOTS + turn]);
    const count = this.#spool!.readAt(piece, this.#spoolPosition);
    this.#spoolPosition += count;
    return piece.subarray(0, count);
  }

  free(): void {
    if (this.#isFromSpool) {
      Atomics.store(this.#counts, COUNT.SPOOL_FREED, this.#unspooled);
      Atomics.notify(this.#counts, COUNT.SPOOL_FREED);
      return;
    }
    const freed = Atomics.add(this.#counts, COUNT.RING_FREED, 1) + 1;
    // Waking costs more than freeing: a worker that sleeps is woken for some slots at once.
    if (freed % WAKE_EVERY === 0) Atomics.notify(this.#counts, COUNT.RING_FREED);
  }

  /** Resolves when there is a piece that was not taken, or somebody calls `wake`. */
  async filled(): Promise<void> {
    await Atomics.waitAsync(this.#counts, COUNT.GIVEN, this.#taken).value;
  }

  /** Lets whoever waits look around. */
  wake(): void {
    Atomics.notify(this.#counts, COUNT.GIVEN);
  }
}
