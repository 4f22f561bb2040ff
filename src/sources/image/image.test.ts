import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { beforeEach, expect, test } from "vitest";
import {
  architecture,
  blobPath,
  digestOf,
  gzipLayer,
  json,
  makeImage,
  type MadeImage,
  type MadeLayer,
  plainLayer,
  sampleLayers,
} from "../../../test/support/image-builder.ts";
import { unpacked } from "../../../test/support/image-tree.ts";
import { record } from "../../../test/support/record.ts";
import { archive, file } from "../../../test/support/tar-builder.ts";
import { temporaryDirectory } from "../../../test/support/temporary-directory.ts";
import { type Descriptor, type Digest, mediaTypes } from "../../formats/oci/index.ts";
import {
  type blobLayer as BlobLayer,
  imageContents,
  resolveImage,
  type ResolvedImage,
  type StoredBlob,
} from "./index.ts";

let root: string;
beforeEach(() => void (root = temporaryDirectory()));

const wanted = { architecture: architecture === "arm64" ? "aarch64" : "x86_64" } as const;
const resolve = (image: MadeImage, files = image.files): Promise<ResolvedImage> =>
  resolveImage({
    name: "app:1",
    start: image.manifest as Descriptor,
    wanted,
    read: async ({ digest }) => files.get(blobPath(digest))!,
  });

/** The image's tree, its blobs being what `files` has under their names. */
async function treeOf(image: MadeImage, files = image.files, damaged?: (index: number) => void) {
  const found = await resolve(image, files);
  const layerBlob = async (index: number): Promise<StoredBlob> => {
    const bytes = files.get(blobPath(found.manifest.layers[index]!.digest))!;
    const path = join(root, `blob-${index}`);
    writeFileSync(path, Buffer.concat([Buffer.from("before"), bytes, Buffer.from("after")]));
    return { path, offset: 6, sizeBytes: bytes.length };
  };
  const contents = imageContents({
    reference: "app:1",
    ...found,
    layerBlob,
    ...(damaged && { damaged }),
  });
  return (await unpacked(contents)).map((line) => line.split("|")[0]);
}

const changed = (bytes: Uint8Array, at: number): Uint8Array => {
  const copy = Uint8Array.from(bytes);
  copy[at < 0 ? copy.length + at : at]! ^= 1;
  return copy;
};
const mismatch = (what: RegExp) =>
  expect.objectContaining({ code: "DIGEST_MISMATCH", message: expect.stringMatching(what) });

test("layers are unpacked in order, each verified", async () => {
  expect(await treeOf(makeImage())).toEqual(["/", "/b", "/c", "/etc"]);
});

test("one byte of a manifest, a config or a layer changed anywhere is DIGEST_MISMATCH", async () => {
  const image = makeImage();
  for (const [{ digest, size }, what] of [
    [image.manifest, /the manifest of app:1/],
    [image.config, /the config of app:1/],
    [image.layers[0]!, /layer 1 of app:1/],
    [image.layers[1]!, /layer 2 of app:1/],
  ] as const) {
    for (let at = 0; at < size; at += Math.ceil(size / 23)) {
      const files = new Map(image.files);
      files.set(blobPath(digest), changed(files.get(blobPath(digest))!, at));
      await expect(treeOf(image, files), `${what.source} at ${at}`).rejects.toEqual(mismatch(what));
    }
  }
});

test("a document or layer that is shorter or longer than its descriptor says is DIGEST_MISMATCH", async () => {
  const image = makeImage();
  for (const { digest } of [image.manifest, image.config, ...image.layers]) {
    const bytes = image.files.get(blobPath(digest))!;
    for (const other of [
      bytes.subarray(1),
      Buffer.concat([bytes, Buffer.alloc(1)]),
      Buffer.alloc(0),
    ]) {
      const files = new Map(image.files).set(blobPath(digest), other);
      await expect(treeOf(image, files)).rejects.toEqual(mismatch(/\d+ bytes, wanted \d+ bytes/));
    }
  }
});

test("a layer whose plain bytes are not those of its diff_id is DIGEST_MISMATCH, to the last byte", async () => {
  const plain = archive(file("x"));
  const lie = (made: Partial<MadeLayer>): MadeImage =>
    makeImage([{ ...gzipLayer(plain), ...made }]);
  await expect(treeOf(lie({ plain: archive(file("y")) }))).rejects.toEqual(
    mismatch(/layer 1 of app:1: it has sha256:\w+ when unpacked/),
  );
  // Behind the archive's end, where the tar reader looks at nothing.
  const longer = Buffer.concat([plain, Buffer.from("more")]);
  await expect(treeOf(lie({ stored: gzipSync(longer) }))).rejects.toEqual(mismatch(/unpacked/));
  expect(await treeOf(makeImage([gzipLayer(longer)]))).toEqual(["/", "/x"]);
});

test("who keeps the blobs hears which one is damaged", async () => {
  const image = makeImage();
  const { digest } = image.layers[1]!;
  const files = new Map(image.files).set(
    blobPath(digest),
    changed(image.files.get(blobPath(digest))!, -1),
  );
  const damaged: number[] = [];
  await expect(treeOf(image, files, (index) => void damaged.push(index))).rejects.toThrow();
  expect(damaged).toEqual([1]);
});

test("A5: the magic number decides how a layer is compressed, whatever its media type says", async () => {
  const plain = archive(file("x"));
  for (const mediaType of [mediaTypes.ociLayer, mediaTypes.ociLayerZstd, mediaTypes.dockerLayer]) {
    expect(await treeOf(makeImage([{ ...gzipLayer(plain), mediaType }]))).toEqual(["/", "/x"]);
  }
  const mediaType = mediaTypes.ociLayerGzip;
  expect(await treeOf(makeImage([{ ...plainLayer(plain), mediaType }]))).toEqual(["/", "/x"]);
});

test("A5: a layer that is neither compressed nor a tar is an error that quotes type and bytes", async () => {
  const html = Buffer.from(`<html>\x1b[31m${" ".repeat(1000)}`);
  const image = makeImage([{ ...plainLayer(html), mediaType: mediaTypes.ociLayerGzip }]);
  await expect(treeOf(image)).rejects.toMatchObject({
    code: "COMPRESSION_INVALID",
    message: expect.stringMatching(
      /"application\/vnd.oci.image.layer.v1.tar\+gzip" and begins with "<html>\\x1b/,
    ),
  });
});

test("what is wrong inside a layer that is whole is said of the layer", async () => {
  const plain = archive(file("x", "contents")).subarray(0, 516);
  await expect(treeOf(makeImage([gzipLayer(plain)]))).rejects.toMatchObject({
    code: "ARCHIVE_INVALID",
    message: expect.stringContaining("(in layer 1 of app:1)"),
  });
  const cut = gzipSync(archive(file("x"))).subarray(0, 40);
  const image = makeImage([
    { plain: archive(file("x")), stored: cut, mediaType: mediaTypes.ociLayerGzip },
  ]);
  await expect(treeOf(image)).rejects.toMatchObject({ code: "COMPRESSION_INVALID" });
});

test("R8: a descriptor's own data must be what its digest says", async () => {
  const image = makeImage();
  const config = image.files.get(blobPath(image.config.digest))!;
  const withData = (data: Uint8Array): MadeImage =>
    makeImage(sampleLayers(), {
      manifest: { config: { ...image.config, data: Buffer.from(data).toString("base64") } },
    });
  expect(await treeOf(withData(config))).toContain("/c");
  await expect(treeOf(withData(changed(config, 5)))).rejects.toEqual(mismatch(/the data within/));
});

test("as many layers as diff_ids, or the image is refused", async () => {
  const rootfs = { type: "layers", diff_ids: [digestOf(Buffer.from("x"))] };
  await expect(treeOf(makeImage(sampleLayers(), { config: { rootfs } }))).rejects.toMatchObject({
    code: "IMAGE_INVALID",
    message: expect.stringContaining("2 layers and its config 1 diff_ids"),
  });
});

test("an image's identity changes with its manifest; its parts are its layers", async () => {
  const contentsOf = async (image: MadeImage) =>
    imageContents({
      reference: "app:1",
      ...(await resolve(image)),
      layerBlob: () => Promise.reject(new Error("not asked for")),
    });
  const [one, same] = [await contentsOf(makeImage()), await contentsOf(makeImage())];
  const other = await contentsOf(makeImage(sampleLayers().toReversed()));
  expect(one.identity).toBe(same.identity);
  expect(one.identity).not.toBe(other.identity);
  expect(one.config).toEqual({ Cmd: ["/c"] });
  expect(one.parts.map(({ sizeBytes }) => sizeBytes)).toEqual(
    makeImage().layers.map(({ size }) => size),
  );
});

test("S10: the same layers with another config are another image", async () => {
  const config = { config: { Cmd: ["/other"] } };
  const [one, other] = [
    await resolve(makeImage()),
    await resolve(makeImage(sampleLayers(), { config })),
  ];
  expect(one.manifestDigest).not.toBe(other.manifestDigest);
});

/** A layer of one file of `sizeBytes` that gzip cannot make smaller than a worker is worth. */
function bigBlob(sizeBytes: number): { blob: StoredBlob; descriptor: Descriptor; diffId: Digest } {
  const contents = Buffer.alloc(sizeBytes);
  for (let i = 0, word = 1; i < sizeBytes; i += 4) {
    word = (Math.imul(word, 1664525) + 1013904223) | 0;
    contents.writeInt32LE(word, i);
  }
  const { plain, stored } = gzipLayer(archive(file("big", contents)));
  const path = join(root, "big");
  writeFileSync(path, stored);
  const digest = digestOf(stored) as Digest;
  return {
    blob: { path, offset: 0, sizeBytes: stored.length },
    descriptor: { mediaType: mediaTypes.ociLayerGzip, digest, size: stored.length },
    diffId: digestOf(plain) as Digest,
  };
}

/** The compiled room, whose layers are inflated in a worker. */
const compiled = new URL("../../../dist/sources/image/index.js", import.meta.url).href;
const { blobLayer } = (await import(compiled)) as { blobLayer: typeof BlobLayer };

test("a layer may be played again, and begun ahead of its turn", async () => {
  const { blob, descriptor, diffId } = bigBlob(6 << 20);
  let asked = 0;
  const layer = blobLayer({
    name: "layer 1 of app:1",
    blob: async () => (asked++, blob),
    descriptor,
    diffId,
  });
  const first = await record(layer);
  layer.prepare!(new AbortController().signal);
  const second = await record(layer);
  expect(second).toEqual(first);
  expect(first.entries).toHaveLength(1);
  expect(asked).toBe(2);
});

test("a layer that was begun and is not wanted holds nothing; a signal ends one that is read", async () => {
  const { blob, descriptor, diffId } = bigBlob(6 << 20);
  const options = { name: "layer 1 of app:1", blob: async () => blob, descriptor, diffId };
  const begun = blobLayer(options);
  const given = new AbortController();
  begun.prepare!(given.signal);
  given.abort();
  expect((await record(begun)).entries).toHaveLength(1);
  // More than there are workers: one that stayed would stop the last.
  for (let turn = 0; turn < 4; turn++) {
    const stop = new AbortController();
    blobLayer(options).prepare!(stop.signal);
    await new Promise((resolve) => setTimeout(resolve, 30 * turn));
    stop.abort();
  }
  expect((await record(blobLayer(options))).entries).toHaveLength(1);
  const stop = new AbortController();
  const reading = blobLayer(options).play(
    {
      entry: () => undefined,
      data: () => stop.abort(),
      hole: () => undefined,
      endFile: () => undefined,
      warn: () => undefined,
    },
    stop.signal,
  );
  await expect(reading).rejects.toMatchObject({ code: "INTERRUPTED" });
});

test("a blob that cannot be brought here is the error, also when it was begun ahead", async () => {
  const failure = new Error("no network");
  const layer = blobLayer({
    name: "layer 1 of app:1",
    blob: () => Promise.reject(failure),
    diffId: digestOf(json({})) as Digest,
  });
  layer.prepare!(new AbortController().signal);
  await new Promise((resolve) => setTimeout(resolve, 10));
  await expect(record(layer)).rejects.toBe(failure);
});

test("a layer may end without the padding of its last entry, as umoci insert writes it", async () => {
  const bytes = file("a", "contents");
  const image = makeImage([gzipLayer(bytes.subarray(0, 512 + 8))]);
  expect((await treeOf(image)).join(" ")).toContain("a");
  const cut = makeImage([gzipLayer(bytes.subarray(0, 512 + 7))]);
  await expect(treeOf(cut)).rejects.toMatchObject({ code: "ARCHIVE_INVALID" });
});

test("a layer of no bytes at all is an empty one, stored in any way", async () => {
  const nothing = new Uint8Array(0);
  const image = makeImage([plainLayer(file("a", "a")), gzipLayer(nothing), plainLayer(nothing)]);
  expect(await treeOf(image)).toEqual(["/", "/a"]);
});

test("an image of many layers leaves no listener of a layer behind", async () => {
  const warnings: Error[] = [];
  const listen = (warning: Error): void => void warnings.push(warning);
  process.on("warning", listen);
  const layers = Array.from({ length: 30 }, (_, i) => gzipLayer(archive(file(`f${i}`, "x"))));
  expect(await treeOf(makeImage(layers))).toHaveLength(31);
  await new Promise((resolve) => setTimeout(resolve, 20));
  process.off("warning", listen);
  expect(warnings).toEqual([]);
});
