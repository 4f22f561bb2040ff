import * as fc from "fast-check";
import { expect, test } from "vitest";
import { Allocator } from "./allocator.ts";
import type { Run } from "./free-runs.ts";
import { BLOCKS_PER_GROUP, hasSuperblock } from "./geometry.ts";

const action = fc.oneof(
  fc.record({ kind: fc.constant("data"), used: fc.integer({ min: 1, max: 40_000 }) }),
  fc.record({ kind: fc.constant("new"), used: fc.integer({ min: 1, max: 10_000 }) }),
  fc.record({ kind: fc.constant("free"), used: fc.integer({ min: 1, max: 100 }) }),
  fc.record({ kind: fc.constant("give back"), used: fc.integer({ min: 0, max: 1000 }) }),
);

/** Takes blocks in one of the ways there are. */
function take(allocator: Allocator, kind: string, wanted: number): Run | undefined {
  if (kind === "data") {
    const run = allocator.dataRun();
    if (!run) return undefined;
    const length = Math.min(wanted, run.length);
    allocator.returnRest({ start: run.start + length, length: run.length - length });
    return { start: run.start, length };
  }
  const start = kind === "new" ? allocator.takeNew(wanted) : allocator.takeFree(wanted);
  return start === undefined ? undefined : { start, length: wanted };
}

test("no block is handed out twice, none of a group's base, new ones were never used, and the rest is free", () => {
  fc.assert(
    fc.property(fc.array(action, { maxLength: 30 }), (actions) => {
      const limit = 12 * BLOCKS_PER_GROUP;
      const allocator = new Allocator({ descriptorBlocks: 3, limit });
      const used = new Uint8Array(limit);
      const written = new Uint8Array(limit);
      const taken: Run[] = [];
      for (const { kind, used: amount } of actions) {
        if (kind === "give back") {
          const [run] = taken.splice(amount % Math.max(1, taken.length), 1);
          if (run) allocator.giveBack(run);
          if (run) used.fill(0, run.start, run.start + run.length);
          continue;
        }
        const run = take(allocator, kind, amount);
        if (!run) continue;
        expect(used.subarray(run.start, run.start + run.length).includes(1)).toBe(false);
        if (kind === "new") {
          expect(written.subarray(run.start, run.start + run.length).includes(1)).toBe(false);
        }
        used.fill(1, run.start, run.start + run.length);
        written.fill(1, run.start, run.start + run.length);
        taken.push(run);
      }
      allocator.endData();
      for (let group = 0; group < 12; group++) {
        const start = group * BLOCKS_PER_GROUP;
        if (!hasSuperblock(group)) continue;
        expect(used.subarray(start, start + 4).includes(1)).toBe(false);
        if (start < allocator.end) used.fill(1, start, start + 4);
      }
      for (const { start, length } of allocator.free) {
        expect(used.subarray(start, start + length).includes(1)).toBe(false);
        used.fill(1, start, start + length);
      }
      expect(used.subarray(0, allocator.end).includes(0)).toBe(false);
      expect(used.subarray(allocator.end).includes(1)).toBe(false);
      expect(written.subarray(allocator.end).includes(1)).toBe(false);
    }),
    { numRuns: 200 },
  );
});

test("what is left of a long free run is free again once all data have passed", () => {
  const allocator = new Allocator({ descriptorBlocks: 1, limit: BLOCKS_PER_GROUP });
  allocator.giveBack({ start: allocator.takeNew(200)!, length: 100 });
  allocator.endData();
  const { start, length } = allocator.metadataRun()!;
  allocator.returnRest({ start: start + 1, length: length - 1 });
  expect([...allocator.free]).toEqual([{ start: 3, length: 99 }]);
});

test("descriptor blocks that are not needed become free in every group that had them", () => {
  const allocator = new Allocator({ descriptorBlocks: 64, limit: 100 * BLOCKS_PER_GROUP });
  allocator.takeNew(10, BLOCKS_PER_GROUP * 3);
  allocator.shrinkDescriptors(1);
  const runs = [...allocator.free].map(({ start }) => start);
  // 2 follows 0 and 1 in use; in groups 1 and 3 the base shrinks to two blocks too.
  expect(runs).toEqual([2, BLOCKS_PER_GROUP + 2, BLOCKS_PER_GROUP * 3 + 2]);
});
