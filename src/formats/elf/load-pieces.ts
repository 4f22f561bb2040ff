import { isZero } from "../../bytes/index.ts";
import type { ElfSegment } from "./segments.ts";

/** A stretch of a loaded segment: its bytes, and zeros up to `memorySize`. */
export interface LoadPiece {
  /** `p_flags`. */
  readonly flags: number;
  readonly virtualAddress: bigint;
  readonly physicalAddress: bigint;
  readonly bytes: Uint8Array;
  readonly memorySize: bigint;
}

const PAGE = 4096;

/**
 * A segment cut at its pages of zeros, where at least `leastHole` bytes of them follow each
 * other: zeros become memory that the file does not hold, which loaders clear. `file` holds all
 * of the segment's bytes.
 */
export function loadPieces(file: Uint8Array, segment: ElfSegment, leastHole = PAGE): LoadPiece[] {
  const start = Number(segment.offset);
  const bytes = file.subarray(start, start + Number(segment.fileSize));
  const ranges = filledRanges(bytes, leastHole);
  if (ranges.length === 0 || ranges[0]!.start > 0) ranges.unshift({ start: 0, end: 0 });
  return ranges.map((range, i) => {
    const next = ranges[i + 1]?.start;
    const end = next === undefined ? segment.memorySize : BigInt(next);
    return {
      flags: segment.flags,
      virtualAddress: segment.virtualAddress + BigInt(range.start),
      physicalAddress: segment.physicalAddress + BigInt(range.start),
      bytes: bytes.subarray(range.start, range.end),
      memorySize: end - BigInt(range.start),
    };
  });
}

/** Whole pages that are not zero, joined over holes of less than `leastHole` bytes. */
function filledRanges(bytes: Uint8Array, leastHole: number): { start: number; end: number }[] {
  const ranges: { start: number; end: number }[] = [];
  for (let at = 0; at < bytes.length; at += PAGE) {
    const end = Math.min(at + PAGE, bytes.length);
    if (isZero(bytes, at, end)) continue;
    const last = ranges.at(-1);
    if (last !== undefined && at - last.end < leastHole) last.end = end;
    else ranges.push({ start: at, end });
  }
  return ranges;
}
