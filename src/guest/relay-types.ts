/**
 * Types and limits of the relay's frames, version 1: docs/relay.md shows this table,
 * src/guest/init/relay.h holds the same numbers for C (tests compare them).
 */

/** The only version so far; both hellos carry it. */
export const relayVersion = 1;

/** By the number in a frame. */
export const relayTypes = {
  hello: 0x8201,
  open: 0x8202,
  opened: 0x8203,
  refused: 0x8204,
  data: 0x8205,
  credit: 0x8206,
  end: 0x8207,
  reset: 0x8208,
  closed: 0x8209,
  goodbye: 0x820a,
} as const;

/** Bounds that both sides keep, and close the byte stream over. */
export const relayLimits = {
  /** Largest payload of a frame, in bytes. */
  payloadBytes: 1 << 16,
  /** Most bytes that a side may ever be allowed to send on one connection at a time. */
  windowBytes: 2 ** 31 - 1,
  /** Connections at once; numbers go up to 65535. */
  connections: 4096,
} as const;
