import * as fc from "fast-check";
import { expect, test } from "vitest";
import { MemoryStorage } from "../../test/support/memory-storage.ts";
import { MemorySink, NO_PLACE, type Place, type Sink, SpoolSink } from "./index.ts";

const part = fc.oneof(
  fc
    .tuple(fc.constantFrom(0, 1, 4096, 300_000, 1_100_000), fc.integer({ min: 0, max: 255 }))
    .map(([length, value]) => new Uint8Array(length).fill(value)),
  fc.constantFrom(1, 5000, 3_000_000),
);
const file = fc.array(part, { maxLength: 6 });

function put(sink: Sink, parts: readonly (Uint8Array | number)[]): Place {
  sink.begin();
  for (const one of parts) {
    if (typeof one === "number") sink.hole(one);
    else sink.data(one);
  }
  return sink.end();
}

const sizeOf = (parts: readonly (Uint8Array | number)[]): number =>
  parts.reduce<number>((sum, one) => sum + (typeof one === "number" ? one : one.length), 0);

test("what is spooled reads as what a sink in memory has", () => {
  fc.assert(
    fc.property(fc.array(file, { maxLength: 5 }), (files) => {
      const sinks = [new SpoolSink(new MemoryStorage()), new MemorySink()];
      const places = files.map((parts) => sinks.map((sink) => put(sink, parts)));
      files.forEach((parts, i) => {
        const [spooled, wanted] = sinks.map((sink, k) => {
          const target = Buffer.alloc(sizeOf(parts), 7);
          if (target.length > 0) sink.read(places[i]![k]!, target, 0);
          return target;
        });
        expect(spooled!.equals(wanted!)).toBe(true);
      });
    }),
    { numRuns: 20 },
  );
});

test("a file without bytes has no place in a spool", () => {
  const sink = new SpoolSink(new MemoryStorage());
  expect(put(sink, [])).toBe(NO_PLACE);
  expect(put(sink, [new Uint8Array()])).toBe(NO_PLACE);
  expect(put(sink, [1])).not.toBe(NO_PLACE);
});
