import { isZero, type ReadableStorage, stretchOf, windowsOf } from "../../bytes/index.ts";
import type { ElfSegment } from "./segments.ts";

/** A stretch of a loaded segment: its bytes, and zeros up to `memorySize`. */
export interface LoadPiece {
  /** `p_flags`. */
  readonly flags: number;
  readonly virtualAddress: bigint;
  readonly physicalAddress: bigint;
  readonly contents: ReadableStorage;
  readonly memorySize: bigint;
}

/** Bytes of a segment that are not all zero, from its start. */
export interface FilledRange {
  readonly start: number;
  readonly end: number;
}

const PAGE = 4096;

/** The whole pages of a segment that are not zero, those that follow each other as one range. */
export function filledRanges(file: ReadableStorage, segment: ElfSegment): FilledRange[] {
  const ranges: { start: number; end: number }[] = [];
  for (const { bytes, position } of windowsOf([bytesInFile(file, segment)])) {
    for (let at = 0; at < bytes.length; at += PAGE) {
      const [start, end] = [position + at, position + Math.min(at + PAGE, bytes.length)];
      if (isZero(bytes, at, end - position)) continue;
      const last = ranges.at(-1);
      if (last?.end === start) last.end = end;
      else ranges.push({ start, end });
    }
  }
  return ranges;
}

/** Ranges joined over holes of less than `leastHole` bytes. */
export function joinedRanges(ranges: readonly FilledRange[], leastHole: number): FilledRange[] {
  const joined: { start: number; end: number }[] = [];
  for (const { start, end } of ranges) {
    const last = joined.at(-1);
    if (last !== undefined && start - last.end < leastHole) last.end = end;
    else joined.push({ start, end });
  }
  return joined;
}

/**
 * A segment cut into `filled` ranges: the zeros between them become memory that the file does
 * not hold, which loaders clear. `file` holds all of the segment's bytes.
 */
export function loadPieces(
  file: ReadableStorage,
  segment: ElfSegment,
  filled: readonly FilledRange[],
): LoadPiece[] {
  const contents = bytesInFile(file, segment);
  const first = filled.length === 0 || filled[0]!.start > 0 ? [{ start: 0, end: 0 }] : [];
  const ranges = [...first, ...filled];
  return ranges.map(({ start, end }, i) => {
    const next = ranges[i + 1]?.start;
    return {
      flags: segment.flags,
      virtualAddress: segment.virtualAddress + BigInt(start),
      physicalAddress: segment.physicalAddress + BigInt(start),
      contents: stretchOf(contents, { offset: start, sizeBytes: end - start }),
      memorySize: (next === undefined ? segment.memorySize : BigInt(next)) - BigInt(start),
    };
  });
}

const bytesInFile = (file: ReadableStorage, { offset, fileSize }: ElfSegment): ReadableStorage =>
  stretchOf(file, { offset: Number(offset), sizeBytes: Number(fileSize) });
