/**
 * How a worker hands plain bytes to the main thread, a piece of at most 1 MiB each: by a ring of
 * slots in shared memory, with counters beside it. The worker fills a slot and counts it; the
 * receiver gives it back by counting, too. Whoever has nothing to do sleeps on the other's
 * counter. No message is sent for a slot: that took the worker longer than filling it.
 *
 * A worker whose receiver has not begun yet, since another blob's turn comes before, goes on
 * beyond a full ring in a file without a name, where there is one: its spool. Order is kept by
 * one rule each. The worker puts no piece into the ring while there is one in the spool; the
 * receiver takes those of the ring first.
 */
export interface Ring {
  /** `SLOTS` times `SLOT_BYTES`. */
  readonly slots: SharedArrayBuffer;
  /** Bytes in each slot of the ring, then of each piece in the spool: int32. */
  readonly lengths: SharedArrayBuffer;
  /** Int32, by {@link COUNT}. */
  readonly counts: SharedArrayBuffer;
}

/** What zlib gives at once. */
export const SLOT_BYTES = 1 << 20;
/** What a worker may run ahead: enough to bridge what the receiver does between two chunks. */
export const SLOTS = 8;
/** What it may run ahead in a file: as much as another blob takes until its turn ends. */
export const SPOOL_BYTES = 256 << 20;
/** Pieces may be small: where zlib's buffer ends. */
export const SPOOL_PIECES = 4096;

/** Where each counter lies; each is written by one end alone. */
export const COUNT = {
  /** Pieces that the worker ever gave, and how many of them by the ring. */
  GIVEN: 0,
  IN_RING: 1,
  /** Pieces of either that the receiver is done with. */
  RING_FREED: 2,
  SPOOL_FREED: 3,
  /** 1: somebody takes the pieces. */
  READING: 4,
} as const;
const COUNTS = 5;
const INT_BYTES = Int32Array.BYTES_PER_ELEMENT;

export function createRing(): Ring {
  return {
    slots: new SharedArrayBuffer(SLOTS * SLOT_BYTES),
    lengths: new SharedArrayBuffer((SLOTS + SPOOL_PIECES) * INT_BYTES),
    counts: new SharedArrayBuffer(COUNTS * INT_BYTES),
  };
}

/** The slot of the ring's `turn`-th piece. */
export function slotOf(ring: Ring, turn: number): Uint8Array {
  return new Uint8Array(ring.slots, (turn % SLOTS) * SLOT_BYTES, SLOT_BYTES);
}
