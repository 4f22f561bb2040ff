import { WickError } from "../errors/index.ts";

/** `value` as a number; an error that names `what` when it is beyond 2^53 − 1. */
export function toSafeNumber(value: bigint, what: string): number {
  if (value > BigInt(Number.MAX_SAFE_INTEGER) || value < BigInt(Number.MIN_SAFE_INTEGER)) {
    throw new WickError("VALUE_OUT_OF_RANGE", `Cannot use ${what}: ${value} is beyond 2^53`);
  }
  return Number(value);
}

/** `value` rounded up to a multiple of `unit`. */
export function alignUp(value: number, unit: number): number {
  return Math.ceil(value / unit) * unit;
}

/** Whether every byte of `bytes` from `start` to `end` is zero. */
export function isZero(bytes: Uint8Array, start = 0, end = bytes.length): boolean {
  const aligned = start + ((8 - ((bytes.byteOffset + start) & 7)) & 7);
  const wordsEnd = aligned + Math.max(0, (end - aligned) & ~7);
  if (aligned >= end) return isZeroSlow(bytes, start, end);
  if (!isZeroSlow(bytes, start, aligned)) return false;
  const words = new Float64Array(
    bytes.buffer,
    bytes.byteOffset + aligned,
    (wordsEnd - aligned) / 8,
  );
  // -0 compares equal to 0, so the sign bit of each word is looked at through its top byte.
  for (let i = 0; i < words.length; i++) {
    if (words[i] !== 0 || bytes[aligned + i * 8 + 7] !== 0) return false;
  }
  return isZeroSlow(bytes, wordsEnd, end);
}

function isZeroSlow(bytes: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if (bytes[i] !== 0) return false;
  return true;
}
