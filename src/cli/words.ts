/** Sizes and times as a user reads them. */

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"] as const;

/** `1536` → `1.5 KiB`. */
export function bytesInWords(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  const digits = unit === 0 || value >= 100 ? 0 : 1;
  return `${value.toFixed(digits)} ${UNITS[unit]!}`;
}

/** `ms` → `12 ms`, `1.24 s`, `2 min 5 s`. */
export function timeInWords(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(2)} s`;
  return `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1000)} s`;
}

/** Bytes in `ms` as a rate; empty when too short to tell. */
export function rateInWords(bytes: number, ms: number): string {
  return ms < 50 ? "" : `${bytesInWords((bytes / ms) * 1000)}/s`;
}

/** Seconds that have passed → `5 seconds ago`, `2 hours ago`, `3 weeks ago`. */
export function agoInWords(seconds: number): string {
  const units = [
    [7 * 24 * 3600, "week"],
    [24 * 3600, "day"],
    [3600, "hour"],
    [60, "minute"],
    [1, "second"],
  ] as const;
  const [size, name] = units.find(([unit]) => seconds >= unit) ?? [1, "second"];
  // A clock that was set back has nothing to say.
  const count = Math.max(0, Math.floor(seconds / size));
  return `${count} ${name}${count === 1 ? "" : "s"} ago`;
}
