/** Cases of archives that show only in the finished image. */
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createExt4 } from "../../src/formats/ext4/index.ts";
import { FileStorage } from "../../src/host/index.ts";
import { Tree, unpackLayers } from "../../src/tree/index.ts";
import { debugfs, e2fsck } from "../support/ext4-image.ts";
import { archive, file, header } from "../support/tar-builder.ts";
import { tarLayer } from "../support/tar-layer.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

/** An image of layers of entries, lowest first. */
async function imageOf(...layers: readonly (readonly Uint8Array[])[]): Promise<string> {
  const path = join(temporaryDirectory(), "x.ext4");
  using storage = new FileStorage(path, "create");
  const warn = (): void => undefined;
  const writer = createExt4(storage, { journal: false, uuid: new Uint8Array(16).fill(7), warn });
  const tree = new Tree();
  await unpackLayers(
    layers.map((parts, i) => tarLayer(`layer ${i}`, archive(...parts))),
    { tree, sink: writer.sink, warn, play: (layer, visitor) => layer.play(visitor) },
  );
  writer.finish(tree);
  return path;
}

test("case 22: an image of empty layers is valid", async () => {
  for (const layers of [[[]], [[], []]]) {
    expect(e2fsck(await imageOf(...layers))).toMatchObject({ status: 0 });
  }
});

test("case 32: a layer's own lost+found is the image's", async () => {
  const directory = header({ name: "lost+found/", typeflag: "5", mode: 0o750, uid: 9 });
  const path = await imageOf([file("a")], [directory, file("lost+found/#12", "found")]);
  expect(e2fsck(path)).toMatchObject({ status: 0 });
  expect(debugfs(path, "ls /").match(/lost\+found/g)).toHaveLength(1);
  expect(debugfs(path, "stat /lost+found")).toMatch(/Mode: +0750[\s\S]*User: +9/);
  expect(debugfs(path, "cat /lost+found/#12")).toContain("found");
  const bare = await imageOf([file("a")], [file("b")]);
  expect(debugfs(bare, "stat /lost+found")).toMatch(/Mode: +0700/);
});

test("e2fsck, the oracle above, sees a block of the second layer's file claimed twice", async () => {
  const path = await imageOf([file("a", "1")], [file("b", "2")]);
  const block = /^debugfs: blocks.*\n(\d+)/m.exec(debugfs(path, "blocks /b"))![1]!;
  expect(spoil(path, `freeb ${block}`)).not.toBe(0);
});

/** Changes an image by a command of debugfs; what e2fsck says of it then. */
function spoil(path: string, command: string): number | null {
  execFileSync("debugfs", ["-w", "-R", command, path], { stdio: "pipe" });
  return e2fsck(path).status;
}
