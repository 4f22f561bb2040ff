/** One moment of a machine's start, in `ms` since the VMM was started. */
export interface TimelinePoint {
  readonly name: string;
  readonly ms: number;
}

/** A hostile guest may send marks for ever; a boot has about ten. */
const MARKS_MAX = 64;

/**
 * Moments of a start, from two clocks. The host's are taken as they are; the guest's marks
 * count from the start of its kernel, which lies no later than any mark's arrival less its
 * time: the smallest such difference is taken, so a mark that waited in a buffer does no harm.
 */
export class Timeline {
  readonly #startMs: number;
  readonly #host: TimelinePoint[] = [];
  readonly #guest: { readonly name: string; readonly ns: number }[] = [];
  #kernelStartMs = Number.POSITIVE_INFINITY;

  /** `startMs`: the host's monotonic clock when the VMM was started. */
  constructor(startMs: number) {
    this.#startMs = startMs;
  }

  /** A moment that the host saw at `nowMs`. */
  addHost(name: string, nowMs: number): void {
    if (this.#host.length < MARKS_MAX) this.#host.push({ name, ms: nowMs - this.#startMs });
  }

  /** A mark of the guest, `ns` after its kernel's start, that arrived at `nowMs`. */
  addGuest(name: string, ns: number, nowMs: number): void {
    if (this.#guest.length >= MARKS_MAX) return;
    this.#guest.push({ name, ns });
    this.#kernelStartMs = Math.min(this.#kernelStartMs, nowMs - this.#startMs - ns / 1e6);
  }

  /** All moments so far, in order of time. */
  points(): readonly TimelinePoint[] {
    const kernelStartMs = Math.max(0, this.#kernelStartMs);
    const guest = this.#guest.map(({ name, ns }) => ({ name, ms: kernelStartMs + ns / 1e6 }));
    const kernel = guest.length === 0 ? [] : [{ name: "kernel started", ms: kernelStartMs }];
    return [...kernel, ...guest, ...this.#host].toSorted((a, b) => a.ms - b.ms);
  }
}
