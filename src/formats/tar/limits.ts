/** What the reader accepts at most; passing a bound is ARCHIVE_LIMIT. */
export interface TarLimits {
  /** Bytes of extended headers and sparse maps of one entry, and of a global header. */
  readonly headerBytes: number;
  /** Headers of any type in the archive. */
  readonly entries: number;
}

/** GNU tar and Go have the same 1 MiB bound on pax headers; entries fit a Map of V8 (2^24). */
export const DEFAULT_LIMITS: TarLimits = { headerBytes: 1024 * 1024, entries: 16_000_000 };
