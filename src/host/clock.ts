/** Milliseconds of a clock that only goes forward, with fractions. */
export function monotonicMs(): number {
  return performance.now();
}

/** Seconds since 1970, for what a user sees. */
export function unixSeconds(): number {
  return Math.floor(Date.now() / 1000);
}
