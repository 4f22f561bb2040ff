/** Layers that are large enough for a thread of their own: the command ends, whatever is wrong with them. */
import { join } from "node:path";
import { expect, test } from "vitest";
import { wick } from "../support/cli.ts";
import {
  gzipLayer,
  layoutFiles,
  makeImage,
  type MadeImage,
  writeFiles,
} from "../support/image-builder.ts";
import { archive, file } from "../support/tar-builder.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

/** 4 MiB that gzip makes little smaller. */
function noise(seed: number): string {
  let word = seed;
  const bytes = Buffer.alloc(4 << 20);
  for (let i = 0; i < bytes.length; i += 4) {
    word = (Math.imul(word, 1664525) + 1013904223) | 0;
    bytes.writeInt32LE(word, i);
  }
  return bytes.toString("latin1");
}

const layers = [1, 2, 3].map((n) => gzipLayer(archive(file(`noise${n}`, noise(n)))));

async function build(image: MadeImage): ReturnType<typeof wick> {
  const directory = temporaryDirectory();
  writeFiles(join(directory, "layout"), layoutFiles([["app", image]]));
  const words = ["build", "--init", "none", "-o", "x.ext4", "oci:./layout:app"];
  return wick(words, { cwd: directory });
}

test("whole layers are built", async () => {
  const { status, stderr } = await build(makeImage(layers));
  expect(status, stderr).toBe(0);
});

test("a wrong size of the layer that comes first, and has begun, ends the command", async () => {
  const { layers: described } = makeImage(layers);
  const wrong = described.map((layer, i) => (i < 2 ? layer : { ...layer, size: layer.size + 1 }));
  const { status, stderr } = await build(makeImage(layers, { manifest: { layers: wrong } }));
  expect(status).toBe(1);
  expect(stderr).toContain("[DIGEST_MISMATCH]");
});

test("a layer that is cut ends the command", async () => {
  const image = makeImage(layers);
  const path = `blobs/${image.layers[2]!.digest.replace(":", "/")}`;
  const cut = new Map([...image.files, [path, image.files.get(path)!.subarray(0, 3 << 20)]]);
  const { status, stderr } = await build({ ...image, files: cut });
  expect(status).toBe(1);
  expect(stderr).toContain("[DIGEST_MISMATCH]");
});
