import { expect, test } from "vitest";
import { unpack } from "../../test/support/manifest.ts";
import { archive, file, header } from "../../test/support/tar-builder.ts";
import { tarLayer } from "../../test/support/tar-layer.ts";
import { shownTree } from "../../test/support/trees.ts";
import { findPath, graftTree, MemorySink, Tree, Unpacker, unpackLayers } from "./index.ts";

const directory = (name: string, mode: number): Uint8Array => header({ name, typeflag: "5", mode });
const symlink = (name: string, linkname: string): Uint8Array =>
  header({ name, typeflag: "2", linkname });
const hardLink = (name: string, linkname: string): Uint8Array =>
  header({ name, typeflag: "1", linkname });
const warn = (): void => undefined;

/** An image's layers, merged by themselves, on top of another tree. */
async function grafted(
  below: readonly Uint8Array[],
  ...layers: readonly (readonly Uint8Array[])[]
): Promise<{ readonly tree: Tree; readonly sink: MemorySink }> {
  const sink = new MemorySink();
  const tree = new Tree();
  const unpacker = new Unpacker({ tree, sink, warn });
  await tarLayer("below", archive(...below)).play(unpacker);
  unpacker.finish();
  const from = new Tree();
  await unpackLayers(
    layers.map((parts) => tarLayer("layer", archive(...parts))),
    { tree: from, sink, warn, play: (layer, visitor) => layer.play(visitor) },
  );
  graftTree(from, { tree, sink, warn, directoryLinks: "keep" });
  return { tree, sink };
}

test("an image on top of another tree takes away what its own lower layers have, and nothing else", async () => {
  const found = await grafted(
    [file("a", "below"), file("d/x", "below"), file("e", "below")],
    [file("a", "own"), file("d/x", "own"), file("d/y", "own")],
    [file(".wh.a"), file("d/.wh..wh..opq"), file("d/z", "top"), hardLink("z", "d/z")],
  );
  expect(shownTree(found)).toEqual([
    "/a = below",
    "/d/",
    "/d/x = below",
    "/d/z = top",
    "/e = below",
    "/z = top",
  ]);
  // What was replaced is given back, what is there has its place.
  expect(found.sink.usage()).toEqual({ places: 4, bytes: 18 });
});

test("directories that the image never described keep what they were, described ones change", async () => {
  const { tree } = await grafted(
    [directory("./", 0o711), directory("etc", 0o700), directory("var", 0o700)],
    [file("etc/x", "1"), directory("var", 0o1777)],
  );
  expect(tree.inodes.mode(Tree.ROOT)).toBe(0o711);
  expect(tree.inodes.mode(findPath(tree, "etc"))).toBe(0o700);
  expect(tree.inodes.mode(findPath(tree, "var"))).toBe(0o1777);
});

test("an image with /lib fits into the links of a merged /usr", async () => {
  const found = await grafted(
    [directory("usr/lib", 0o755), symlink("lib", "usr/lib")],
    [file("lib/a", "1")],
    [file("lib/b", "2")],
  );
  expect(shownTree(found)).toEqual([
    "/lib -> usr/lib",
    "/usr/",
    "/usr/lib/",
    "/usr/lib/a = 1",
    "/usr/lib/b = 2",
  ]);
});

test("onto an empty tree a graft gives the tree itself", async () => {
  const parts = [file("a/b", "1"), hardLink("c", "a/b"), symlink("s", "nowhere"), file("empty")];
  expect(shownTree(await grafted([], parts))).toEqual(shownTree(unpack(archive(...parts))));
});
