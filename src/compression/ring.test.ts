import { Worker } from "node:worker_threads";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { MemoryStorage } from "../../test/support/memory-storage.ts";
import { bytesOf, storageOf } from "../bytes/index.ts";
import { createRing, type Ring, SLOT_BYTES, SLOTS } from "./inflate-ring.ts";
import { RingReader } from "./ring-reader.ts";
import { RingWriter } from "./ring-writer.ts";

/** Some bytes that say which piece they are. */
const pieceOf = (number: number): Uint8Array => Buffer.from(`piece ${number}`);

function takeText(reader: RingReader): string | undefined {
  const piece = reader.take();
  if (piece === undefined) return undefined;
  const text = Buffer.from(piece).toString();
  reader.free();
  return text;
}

test("what finds the ring full before anybody reads goes to the spool, and comes out in order", () => {
  const spool = new MemoryStorage();
  const ring = createRing();
  const reader = new RingReader(ring);
  reader.prepare(spool);
  const writer = new RingWriter(ring, spool);
  for (let i = 0; i < SLOTS + 5; i++) writer.write(pieceOf(i));
  expect(Buffer.from(bytesOf(spool)).toString()).toBe("piece 8piece 9piece 10piece 11piece 12");
  reader.beginReading();
  for (let i = 0; i < SLOTS + 3; i++) expect(takeText(reader)).toBe(`piece ${i}`);
  writer.write(pieceOf(13)); // behind what is in the spool still
  for (let i = SLOTS + 3; i < 14; i++) expect(takeText(reader)).toBe(`piece ${i}`);
  expect(takeText(reader)).toBeUndefined();
  writer.write(pieceOf(14)); // by the ring again
  expect(takeText(reader)).toBe("piece 14");
  expect(Buffer.from(bytesOf(spool)).toString().endsWith("piece 12piece 13")).toBe(true);
});

test("a large chunk is cut into pieces, wherever it goes", () => {
  const spool = new MemoryStorage();
  const ring = createRing();
  const reader = new RingReader(ring);
  reader.prepare(spool);
  const chunk = Buffer.alloc((SLOTS + 2) * SLOT_BYTES + 7, "chunk of many bytes ");
  new RingWriter(ring, spool).write(chunk);
  const parts: Buffer[] = [];
  for (let part = reader.take(); part !== undefined; part = reader.take()) {
    parts.push(Buffer.from(part));
    reader.free();
  }
  expect(parts).toHaveLength(SLOTS + 3);
  expect(Buffer.concat(parts).equals(chunk)).toBe(true);
});

/** One job's course: writes (true) and reads, and when reading begins. */
const course = fc.record({
  steps: fc.array(fc.boolean(), { maxLength: 80 }),
  readsFrom: fc.nat(60),
});

test("any course of writing and reading gives every piece once, in order, job after job", () => {
  fc.assert(
    fc.property(fc.array(course, { maxLength: 4 }), (jobs) => {
      const ring = createRing();
      const reader = new RingReader(ring);
      for (const { steps, readsFrom } of jobs) {
        const spool = new MemoryStorage();
        reader.prepare(spool);
        const writer = new RingWriter(ring, spool);
        let [written, read] = [0, 0];
        for (const [i, isWrite] of steps.entries()) {
          if (i === readsFrom) reader.beginReading();
          // Once somebody reads a writer may wait for the ring: this thread cannot.
          if (isWrite && (i < readsFrom || written - read < SLOTS))
            writer.write(pieceOf(written++));
          else if (read < written) expect(takeText(reader)).toBe(`piece ${read++}`);
        }
        while (read < written) expect(takeText(reader)).toBe(`piece ${read++}`);
        expect(takeText(reader)).toBeUndefined();
      }
    }),
    { numRuns: 60 },
  );
}, 30_000);

/** Writes so many pieces in a thread, into a spool that fails from its `room`-th piece on. */
function writeElsewhere(given: {
  readonly ring: Ring;
  readonly spool: SharedArrayBuffer;
  readonly room: number;
  readonly count: number;
}): Worker {
  const code = `
    const { spool, room, count, ring, module } = require("node:worker_threads").workerData;
    let left = room;
    const storage = {
      writeAt(bytes, position) {
        if (left-- <= 0) throw new Error("ENOSPC");
        new Uint8Array(spool).set(bytes, position);
      },
    };
    import(module).then(({ RingWriter }) => {
      const writer = new RingWriter(ring, storage);
      for (let i = 0; i < count; i++) writer.write(Buffer.from("piece " + i));
    });
  `;
  const module = new URL("../../dist/compression/ring-writer.js", import.meta.url).href;
  return new Worker(code, { eval: true, workerData: { ...given, module } });
}

test.each([0, 1, 3])(
  "a spool that fails after %i pieces is done without: order holds",
  async (room) => {
    const ring = createRing();
    const spool = new SharedArrayBuffer(1000);
    const reader = new RingReader(ring);
    reader.prepare(storageOf(new Uint8Array(spool)));
    const count = 3 * SLOTS;
    const worker = writeElsewhere({ ring, spool, room, count });
    try {
      for (let i = 0; i < count;) {
        const text = takeText(reader);
        if (text === undefined) await reader.filled();
        else expect(text).toBe(`piece ${i++}`);
      }
    } finally {
      await worker.terminate();
    }
  },
);
