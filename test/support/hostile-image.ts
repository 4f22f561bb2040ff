/** What the tests of every image reader do with images that somebody has changed. */
import { expect } from "vitest";
import { isWickError } from "../../src/errors/index.ts";
import type { ImageReader } from "../../src/formats/image-reader.ts";

/** Reads all that there is; how many names that were. */
export function readAll(image: ImageReader): number {
  const target = new Uint8Array(65_536);
  let names = 0;
  for (const { node } of image.walk()) {
    names++;
    const { size } = image.stat(node);
    if (node.kind === "symlink") image.readlink(node);
    if (node.kind !== "file") continue;
    image.read(node, target, 0);
    image.read(node, target, Math.max(0, size - 10));
  }
  return names;
}

/** IMAGE_INVALID with this message. */
export const refused = (message: RegExp): unknown =>
  expect.objectContaining({ code: "IMAGE_INVALID", message: expect.stringMatching(message) });

/** A whole number below `limit`, always the same ones in order. */
export type Next = (limit: number) => number;

/** How many images were refused, and how long the slowest took, in ms. */
export interface Fuzzed {
  readonly refused: number;
  readonly slowest: number;
}

/**
 * Copies `original` `rounds` times, changes some bytes at `place`s, at most `changes`, and reads
 * all of it: an answer or an error of a reader's, soon.
 */
export function fuzzImage(
  original: Uint8Array,
  how: {
    readonly rounds: number;
    readonly changes: number;
    readonly place: (next: Next) => number;
    readonly open: (bytes: Uint8Array) => ImageReader;
  },
): Fuzzed {
  let state = 23;
  const next: Next = (limit) => (state = (state * 48271) % 2147483647) % limit;
  const counts = { refused: 0, slowest: 0 };
  for (let round = 0; round < how.rounds; round++) {
    const bytes = original.slice();
    for (let k = 0; k < 1 + next(how.changes); k++) {
      bytes[how.place(next)] = [0, 0xff, 0x80, 1, next(256)][next(5)]!;
    }
    const began = performance.now();
    try {
      readAll(how.open(bytes));
    } catch (error) {
      if (!isWickError(error, "IMAGE_INVALID", "IMAGE_LIMIT", "UNSUPPORTED")) throw error;
      counts.refused++;
    }
    counts.slowest = Math.max(counts.slowest, performance.now() - began);
  }
  return counts;
}
