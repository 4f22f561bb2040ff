import { expect, test } from "vitest";
import { bytesOf, storageOf } from "../../bytes/index.ts";
import { filledRanges, joinedRanges, loadPieces } from "./load-pieces.ts";
import { PT } from "./layout.ts";
import type { ElfSegment } from "./segments.ts";

const PAGE = 4096;
const BASE = 1 << 24;

function segmentOf(fileSize: number, memorySize: number, offset = 0): ElfSegment {
  const address = BigInt(BASE);
  return {
    type: PT.PT_LOAD,
    flags: 7,
    offset: BigInt(offset),
    virtualAddress: address,
    physicalAddress: address,
    fileSize: BigInt(fileSize),
    memorySize: BigInt(memorySize),
    alignment: 4096n,
  };
}

/** So many pages, filled where `filled` says. */
function pagesOf(count: number, filled: (page: number) => boolean): Buffer {
  const file = Buffer.alloc(count * PAGE);
  for (let page = 0; page < count; page++) if (filled(page)) file[page * PAGE + 17] = 1;
  return file;
}

test("pages that follow each other are one range, also where it is read in two steps", () => {
  const file = pagesOf(200, (page) => page >= 3 && page !== 64 && page !== 127);
  const ranges = filledRanges(storageOf(file), segmentOf(file.length, file.length));
  expect(ranges.map(({ start, end }) => [start / PAGE, end / PAGE])).toEqual([
    [3, 64],
    [65, 127],
    [128, 200],
  ]);
  expect(joinedRanges(ranges, PAGE + 1)).toEqual([{ start: 3 * PAGE, end: 200 * PAGE }]);
  expect(joinedRanges(ranges, PAGE)).toEqual(ranges);
});

test("the pieces and the memory behind them are the segment's memory", () => {
  const file = Buffer.concat([Buffer.alloc(100, 9), pagesOf(9, (page) => page % 3 === 1)]);
  const segment = segmentOf(9 * PAGE - 5, 12 * PAGE, 100);
  const pieces = loadPieces(storageOf(file), segment, filledRanges(storageOf(file), segment));
  const memory = Buffer.alloc(12 * PAGE, 0xcc);
  for (const { physicalAddress, contents, memorySize } of pieces) {
    const at = Number(physicalAddress) - BASE;
    memory.fill(0, at, at + Number(memorySize));
    memory.set(bytesOf(contents), at);
  }
  const wanted = Buffer.alloc(12 * PAGE);
  file.copy(wanted, 0, 100, 100 + 9 * PAGE - 5);
  expect(memory.equals(wanted)).toBe(true);
  expect(pieces.map(({ contents }) => contents.sizeBytes / PAGE)).toEqual([0, 1, 1, 1]);
});
