import * as fc from "fast-check";
import { expect, test } from "vitest";
import { MemoryStorage } from "../../../test/support/memory-storage.ts";
import { NO_PLACE, type Place } from "../../tree/index.ts";
import { Allocator } from "./allocator.ts";
import type { Run } from "./free-runs.ts";
import { BLOCK, BLOCKS_PER_GROUP } from "./geometry.ts";
import { Ext4Sink } from "./sink.ts";

interface Made {
  readonly sink: Ext4Sink;
  readonly allocator: Allocator;
  readonly storage: MemoryStorage;
}

function makeSink(): Made {
  const allocator = new Allocator({ descriptorBlocks: 1, limit: 8 * BLOCKS_PER_GROUP });
  const storage = new MemoryStorage();
  const nextRun = (): Run => allocator.dataRun()!;
  return { sink: new Ext4Sink(storage, nextRun, allocator), allocator, storage };
}

const put = (sink: Ext4Sink, ...parts: readonly (Uint8Array | number)[]): Place =>
  putAll(sink, parts);

/** Parts may be 100,000s of single bytes: too many for arguments. */
function putAll(sink: Ext4Sink, parts: readonly (Uint8Array | number)[]): Place {
  sink.begin();
  for (const part of parts) {
    if (typeof part === "number") sink.hole(part);
    else sink.data(part);
  }
  return sink.end();
}

const filled = (length: number, value = 1): Uint8Array => new Uint8Array(length).fill(value);

/** Bytes and holes, many of them near the ends of blocks, some of the bytes zero. */
const part = fc.oneof(
  fc
    .tuple(fc.constantFrom(0, 1, 7, 4095, 4096, 4097, 8192, 20_000), fc.integer({ min: 0, max: 3 }))
    .map(([length, value]) => filled(length, value)),
  fc.constantFrom(0, 1, 4095, 4096, 4097, 12_288, 100_000),
);

function flatten(parts: readonly (Uint8Array | number)[]): Uint8Array {
  return Buffer.concat(parts.map((p) => (typeof p === "number" ? new Uint8Array(p) : p)));
}

test("what goes in comes back, from any position, whatever the pieces", () => {
  fc.assert(
    fc.property(fc.array(fc.array(part, { maxLength: 8 }), { maxLength: 6 }), (files) => {
      const { sink } = makeSink();
      const places = files.map((parts) => putAll(sink, parts));
      for (const [i, parts] of files.entries()) {
        const expected = flatten(parts);
        for (const from of [0, 1, 4095, 5000].filter((at) => at <= expected.length)) {
          const target = filled(expected.length - from, 0xee);
          sink.read(places[i]!, target, from);
          expect(Buffer.compare(target, expected.subarray(from))).toBe(0);
        }
      }
    }),
    { numRuns: 100 },
  );
});

test("the same bytes in other chunks lie in the same blocks", () => {
  fc.assert(
    fc.property(
      fc.array(part, { maxLength: 8 }),
      fc.integer({ min: 1, max: 9000 }),
      (parts, chunkBytes) => {
        const bytes = flatten(parts);
        const [one, two] = [makeSink(), makeSink()];
        const whole = put(one.sink, bytes);
        const chunks: Uint8Array[] = [];
        for (let at = 0; at < bytes.length; at += chunkBytes) {
          chunks.push(bytes.subarray(at, at + chunkBytes));
        }
        const cut = putAll(two.sink, chunks);
        expect(cut).toBe(whole);
        if (whole === NO_PLACE) return;
        expect(two.sink.extents.runs(cut)).toEqual(one.sink.extents.runs(whole));
      },
    ),
    { numRuns: 100 },
  );
});

test("a file without bytes has no place, one of holes has a place and no blocks", () => {
  const { sink } = makeSink();
  expect(put(sink)).toBe(NO_PLACE);
  const hole = put(sink, 10_000);
  expect(sink.extents.blocks(hole)).toBe(0);
  expect(sink.extents.blocks(put(sink, new Uint8Array(1_000_000)))).toBe(0);
});

test("blocks of zeros inside a file are left out", () => {
  const { sink } = makeSink();
  const place = put(sink, filled(BLOCK), filled(BLOCK, 0), filled(BLOCK), BLOCK, filled(BLOCK));
  expect(sink.extents.runs(place).map(({ logical, length }) => [logical, length])).toEqual([
    [0, 1],
    [2, 1],
    [4, 1],
  ]);
});

test("files follow each other without gaps, past the groups' superblocks", () => {
  const { sink } = makeSink();
  const first = put(sink, filled((BLOCKS_PER_GROUP - 10) * BLOCK));
  const second = put(sink, filled(20 * BLOCK));
  expect(sink.extents.runs(first)).toEqual([{ logical: 0, start: 2, length: 32758 }]);
  expect(sink.extents.runs(second)).toEqual([
    { logical: 0, start: 32760, length: 8 },
    { logical: 8, start: 32770, length: 12 }, // group 1: superblock and descriptors first
  ]);
});

test("the blocks of a discarded file are used by the next one", () => {
  const { sink, allocator } = makeSink();
  const old = put(sink, filled(100 * BLOCK));
  put(sink, filled(BLOCK, 2));
  sink.discard(old);
  const young = put(sink, filled(100 * BLOCK, 3));
  expect(sink.extents.runs(young)).toEqual(sink.extents.runs(old));
  sink.endRun();
  expect(allocator.end).toBe(2 + 101);
});

test("small files are gathered into few large writes", () => {
  const { sink, storage } = makeSink();
  let writes = 0;
  const writeAt = storage.writeAt.bind(storage);
  storage.writeAt = (bytes, position) => {
    writes++;
    writeAt(bytes, position);
  };
  for (let i = 0; i < 1000; i++) put(sink, filled(100, 1));
  sink.endRun();
  expect(writes).toBe(4); // 1000 blocks in batches of 256
});
