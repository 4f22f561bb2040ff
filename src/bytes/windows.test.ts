import { expect, test } from "vitest";
import { storageOf } from "./storage.ts";
import { bytesOf, windowsFromEnd, windowsOf } from "./windows.ts";

const noise = Buffer.from(Uint8Array.from({ length: 700_001 }, (_, i) => (i * 131) >> 3));

test("windows give every byte of all storages once, in order, where it lies", () => {
  const storages = [noise.subarray(0, 5), noise.subarray(5, 5), noise.subarray(5)].map(storageOf);
  const seen = Buffer.alloc(noise.length);
  let end = 0;
  for (const { bytes, position } of windowsOf(storages)) {
    expect(position).toBe(end);
    seen.set(bytes, position);
    end += bytes.length;
  }
  expect(seen.equals(noise)).toBe(true);
});

test("from the end no text is cut in two, wherever it lies", () => {
  const overlap = 7;
  const text = "8 bytes!";
  for (const at of [0, 1, 262_136, 262_137, 262_143, 262_144, 524_280, 699_990]) {
    const file = Buffer.from(noise);
    file.write(text, at);
    const found = [...windowsFromEnd(storageOf(file), overlap)].map(({ position }) => position);
    expect(found).toEqual(found.toSorted((a, b) => b - a));
    const places: number[] = [];
    for (const { bytes, position } of windowsFromEnd(storageOf(file), overlap)) {
      if (bytes.includes(text)) places.push(position + bytes.indexOf(text));
    }
    expect(new Set(places)).toEqual(new Set([at]));
  }
  expect([...windowsFromEnd(storageOf(new Uint8Array(0)), overlap)]).toHaveLength(1);
});

test("bytes that a storage has not are not made up", () => {
  const short = { sizeBytes: 10, readAt: () => 4 };
  expect(bytesOf(short)).toHaveLength(4);
});
