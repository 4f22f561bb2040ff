import type { WritableStorage } from "../bytes/index.ts";
import {
  COUNT,
  type Ring,
  SLOT_BYTES,
  slotOf,
  SLOTS,
  SPOOL_BYTES,
  SPOOL_PIECES,
} from "./inflate-ring.ts";

/** The worker's end of a {@link Ring}, for one job. */
export class RingWriter {
  readonly #ring: Ring;
  readonly #lengths: Int32Array;
  readonly #counts: Int32Array;
  #spool: WritableStorage | undefined;
  #turn: number;
  #spooled = 0;
  #spoolEnd = 0;

  constructor(ring: Ring, spool: WritableStorage | undefined) {
    this.#ring = ring;
    this.#spool = spool;
    this.#lengths = new Int32Array(ring.lengths);
    this.#counts = new Int32Array(ring.counts);
    this.#turn = Atomics.load(this.#counts, COUNT.IN_RING);
  }

  write(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; at += SLOT_BYTES) {
      const piece = bytes.subarray(at, at + SLOT_BYTES);
      if (!this.#toSpool(piece)) this.#toRing(piece);
      Atomics.add(this.#counts, COUNT.GIVEN, 1);
      Atomics.notify(this.#counts, COUNT.GIVEN);
    }
  }

  #toRing(piece: Uint8Array): void {
    this.#await(COUNT.SPOOL_FREED, (freed) => freed === this.#spooled);
    this.#await(COUNT.RING_FREED, (freed) => this.#turn - freed < SLOTS);
    slotOf(this.#ring, this.#turn).set(piece);
    this.#lengths[this.#turn++ % SLOTS] = piece.length;
    Atomics.store(this.#counts, COUNT.IN_RING, this.#turn);
  }

  /** Whether the piece went there. */
  #toSpool(piece: Uint8Array): boolean {
    const spool = this.#spool;
    if (spool === undefined || this.#isSpoolFull(piece) || !this.#wantsSpool()) return false;
    try {
      spool.writeAt(piece, this.#spoolEnd);
    } catch {
      this.#spool = undefined; // a full disk: the ring alone will do
      return false;
    }
    this.#spoolEnd += piece.length;
    this.#lengths[SLOTS + this.#spooled++] = piece.length;
    return true;
  }

  #isSpoolFull({ length }: Uint8Array): boolean {
    return this.#spooled >= SPOOL_PIECES || this.#spoolEnd + length > SPOOL_BYTES;
  }

  /** While something is in the spool what follows goes there, too. */
  #wantsSpool(): boolean {
    if (Atomics.load(this.#counts, COUNT.SPOOL_FREED) < this.#spooled) return true;
    const isFull = this.#turn - Atomics.load(this.#counts, COUNT.RING_FREED) >= SLOTS;
    return isFull && Atomics.load(this.#counts, COUNT.READING) === 0;
  }

  /** Blocks the whole worker, which has nothing else to do, until a counter is as it should be. */
  #await(count: number, isRight: (value: number) => boolean): void {
    for (;;) {
      const value = Atomics.load(this.#counts, count);
      if (isRight(value)) return;
      Atomics.wait(this.#counts, count, value);
    }
  }
}
