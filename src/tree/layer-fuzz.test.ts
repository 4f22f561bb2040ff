/** Damaged layers: a tree or an error of wick's, the same from the top down as from the bottom up. */
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { layerTar, stacks } from "../../test/support/layer-stacks.ts";
import { manifestOfTree } from "../../test/support/manifest.ts";
import { repairChecksum } from "../../test/support/tar-builder.ts";
import { tarLayer } from "../../test/support/tar-layer.ts";
import { isWickError } from "../errors/index.ts";
import { MemorySink, Tree, Unpacker, unpackLayers } from "./index.ts";

const BLOCK = 512;
/** Offsets of a header's name, mode, size, mtime, type, link name and magic. */
const offset = fc.constantFrom(0, 1, 2, 3, 100, 124, 134, 135, 136, 156, 157, 158, 257, 345);
const mutation = fc.record({
  layer: fc.nat(),
  block: fc.nat(),
  offset: fc.oneof(offset, fc.nat(BLOCK - 1)),
  byte: fc.oneof(
    fc.nat(255),
    fc.constantFrom(...Buffer.from("/.\0 0123456789abcdxgLKVSw")),
    fc.constantFrom(0x80, 0xff),
  ),
  repair: fc.boolean(),
});

type Mutation = typeof mutation extends fc.Arbitrary<infer T> ? T : never;

function mutate(tars: readonly Uint8Array[], mutations: readonly Mutation[]): Uint8Array[] {
  const mutated = tars.map((tar) => new Uint8Array(tar));
  for (const { layer, block, offset: at, byte, repair } of mutations) {
    const tar = mutated[layer % mutated.length]!;
    const start = (block % (tar.length / BLOCK)) * BLOCK;
    tar[start + at] = byte;
    if (repair) repairChecksum(tar.subarray(start, start + BLOCK));
  }
  return mutated;
}

/** The tree as lines, or what its error says. */
async function outcome(unpack: (tree: Tree, sink: MemorySink) => Promise<unknown>): Promise<{
  readonly lines: readonly string[];
  readonly isTree: boolean;
}> {
  const tree = new Tree();
  const sink = new MemorySink();
  try {
    await unpack(tree, sink);
    return { lines: manifestOfTree(tree, sink), isTree: true };
  } catch (error) {
    if (!isWickError(error) || error.code === "INTERNAL") throw error;
    return { lines: [error.code], isTree: false };
  }
}

const warn = (): void => undefined;

const fromTheTop = (tars: readonly Uint8Array[]): ReturnType<typeof outcome> =>
  outcome((tree, sink) =>
    unpackLayers(
      tars.map((tar, i) => tarLayer(`layer ${i}`, tar)),
      { tree, sink, warn, play: (layer, visitor) => layer.play(visitor) },
    ),
  );

const fromTheBottom = (tars: readonly Uint8Array[]): ReturnType<typeof outcome> =>
  outcome(async (tree, sink) => {
    const unpacker = new Unpacker({ tree, sink, warn, whiteouts: "oci" });
    for (const tar of tars) {
      await tarLayer("", tar).play(unpacker);
      unpacker.finish();
    }
  });

test("damaged layers give the same tree from the top down as from the bottom up, or an error both ways", async () => {
  const seen = { trees: 0, codes: new Set<string>() };
  await fc.assert(
    fc.asyncProperty(
      stacks({ complete: false, once: false }),
      fc.array(mutation, { minLength: 1, maxLength: 6 }),
      async (layers, mutations) => {
        const tars = mutate(layers.map(layerTar), mutations);
        const top = await fromTheTop(tars);
        const bottom = await fromTheBottom(tars);
        expect(top.isTree).toBe(bottom.isTree);
        // Of several errors either way meets another one first.
        if (bottom.isTree) expect(top.lines).toEqual(bottom.lines);
        else seen.codes.add(top.lines[0]!);
        if (bottom.isTree) seen.trees++;
      },
    ),
    { numRuns: 3000 },
  );
  expect(seen.trees).toBeGreaterThan(300);
  expect([...seen.codes]).toEqual(expect.arrayContaining(["ARCHIVE_INVALID", "PATH_CONFLICT"]));
}, 120_000);

test("layers of anything are errors, and end", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.uint8Array({ maxLength: 3000, size: "max" }), { minLength: 2, maxLength: 3 }),
      async (layers) => {
        const { isTree, lines } = await fromTheTop(layers);
        if (!isTree) expect(lines).toEqual(["ARCHIVE_INVALID"]);
      },
    ),
    { numRuns: 200 },
  );
});
