/** Granted to the guest for each new connection, in bytes. */
export const FIRST_WINDOW_BYTES = 1 << 14;

/** What it grows to for a client that keeps up. */
const LARGEST_WINDOW_BYTES = 1 << 18;

/** What all windows together may have grown by: what clients that stall can make us hold. */
const POOL_BYTES = 64 << 20;

/** What the windows of all connections may still grow by. */
export class WindowPool {
  #left = POOL_BYTES;

  take(bytes: number): boolean {
    if (bytes > this.#left) return false;
    this.#left -= bytes;
    return true;
  }

  give(bytes: number): void {
    this.#left += bytes;
  }
}

/** What the guest may send on one connection: granted at first, then as the client takes it. */
export class ReceiveWindow {
  readonly #pool: WindowPool;
  #size = FIRST_WINDOW_BYTES;
  #left = FIRST_WINDOW_BYTES;
  #owed = 0;

  constructor(pool: WindowPool) {
    this.#pool = pool;
  }

  /** Counts bytes that came; false where the guest was not allowed to send them. */
  take(bytes: number): boolean {
    this.#left -= bytes;
    return this.#left >= 0;
  }

  /** Counts bytes that the client took; the credit to send, 0 where it is too little to send yet. */
  delivered(bytes: number): number {
    this.#owed += bytes;
    if (this.#owed < this.#size / 2) return 0;
    const credit = this.#owed + this.#growth();
    this.#owed = 0;
    this.#left += credit;
    return credit;
  }

  /** The connection is gone; once. */
  release(): void {
    this.#pool.give(this.#size - FIRST_WINDOW_BYTES);
    this.#size = FIRST_WINDOW_BYTES;
  }

  /** Doubles, for a client that has taken half of the window and where the pool has as much. */
  #growth(): number {
    const growth = this.#size;
    if (growth * 2 > LARGEST_WINDOW_BYTES || !this.#pool.take(growth)) return 0;
    this.#size += growth;
    return growth;
  }
}
