import { expect, test } from "vitest";
import * as fc from "fast-check";
import { utf8 } from "../../bytes/index.ts";
import { isWickError } from "../../errors/index.ts";
import { mediaTypes, parseDigest, parseImageConfig, parseIndexOrManifest } from "./index.ts";

const HEX = "0123456789abcdef".repeat(4);
const digest = `sha256:${HEX}`;
const json = (value: unknown): Uint8Array => utf8(JSON.stringify(value));

const config = { mediaType: mediaTypes.ociConfig, digest, size: 3 };
const layer = { mediaType: mediaTypes.ociLayerGzip, digest, size: 9 };
const manifest = { schemaVersion: 2, mediaType: mediaTypes.ociManifest, config, layers: [layer] };
const index = {
  schemaVersion: 2,
  mediaType: mediaTypes.ociIndex,
  manifests: [{ mediaType: mediaTypes.ociManifest, digest, size: 1 }],
};
const parse = (value: unknown, mediaType?: string) =>
  parseIndexOrManifest(json(value), { name: "app:1", mediaType });
const failing = (code: string, message: RegExp) =>
  expect.objectContaining({ code, message: expect.stringMatching(message) });

test("manifests and indexes of both kinds are read; unknown keys are left out", () => {
  expect(parse({ ...manifest, annotations: { a: "b" }, extra: 1 })).toEqual({
    kind: "manifest",
    config,
    layers: [layer],
    annotations: { a: "b" },
  });
  const docker = {
    schemaVersion: 2,
    mediaType: mediaTypes.dockerManifest,
    config: { ...config, mediaType: mediaTypes.dockerConfig },
    layers: [{ ...layer, mediaType: mediaTypes.dockerLayerGzip }],
  };
  expect(parse(docker, `${mediaTypes.dockerManifest}; charset=utf-8`)).toMatchObject({
    kind: "manifest",
    layers: [{ mediaType: mediaTypes.dockerLayerGzip }],
  });
  const platform = { architecture: "arm64", os: "linux", variant: null, features: ["x"] };
  const list = { ...index, mediaType: mediaTypes.dockerManifestList };
  expect(parse({ ...list, manifests: [{ ...layer, platform, annotations: null }] })).toEqual({
    kind: "index",
    manifests: [{ ...layer, platform: { architecture: "arm64", os: "linux" } }],
  });
});

test("what names no type is known by what it holds, null is empty", () => {
  expect(parse({ schemaVersion: 2, config, layers: null })).toMatchObject({ layers: [] });
  const noted = { ...config, annotations: { a: null, b: "c" }, urls: [null] };
  const annotations = { "org.example": null };
  expect(parse({ schemaVersion: 2, config: noted, layers: [], annotations })).toMatchObject({
    config: { annotations: { a: "", b: "c" }, urls: [""] },
    annotations: { "org.example": "" },
  });
  expect(parse({ schemaVersion: 2, manifests: [] }, "application/json").kind).toBe("index");
  expect(parse({ schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests: null })).toEqual({
    kind: "index",
    manifests: [],
  });
});

test("R7: one document with both manifests and layers, or two types, is refused", () => {
  for (const both of [
    { ...manifest, manifests: [] },
    { ...index, layers: [] },
    { ...index, config },
  ]) {
    expect(() => parse(both)).toThrow(failing("IMAGE_INVALID", /both manifests and layers/));
  }
  expect(() => parse(manifest, mediaTypes.ociIndex)).toThrow(
    failing("IMAGE_INVALID", /it came as ".*index.*" and calls itself ".*manifest/),
  );
  const { mediaType: _, ...untyped } = manifest;
  expect(() => parse(untyped, mediaTypes.ociIndex)).toThrow(failing("IMAGE_INVALID", /neither/));
  expect(parse(untyped, mediaTypes.ociManifest).kind).toBe("manifest");
});

test("R8: sizes below zero or beyond 2^53, 4 MiB and 1000 descriptors are the bounds", () => {
  for (const size of [-1, 2 ** 63, 1.5, "3", null]) {
    const wrong = { ...manifest, layers: [layer, { ...layer, size }] };
    expect(() => parse(wrong)).toThrow(failing("IMAGE_INVALID", /layers\.1\.size/));
    expect(() => parse({ ...manifest, config: { ...config, size } })).toThrow(/config\.size/);
  }
  const many = { ...manifest, layers: Array.from({ length: 1001 }, () => layer) };
  expect(() => parse(many)).toThrow(failing("IMAGE_LIMIT", /1001 descriptors/));
  expect(() => parse({ ...index, manifests: many.layers })).toThrow(failing("IMAGE_LIMIT", /1001/));
  const long = { ...manifest, annotations: { a: "x".repeat(4 << 20) } };
  expect(() => parse(long)).toThrow(failing("IMAGE_LIMIT", /wanted at most 4194304/));
  expect(() => parseImageConfig(json(long), "app:1")).toThrow(failing("IMAGE_LIMIT", /4194304/));
});

test("R6: digests are sha256 and 64 lower-case hex digits, whatever else is refused", () => {
  expect(parseDigest(digest)).toBe(digest);
  for (const wrong of [
    "sha256:../../x",
    `sha/256:${HEX}`,
    `sha256:${HEX.toUpperCase()}`,
    `sha256:${HEX.slice(1)}`,
    `sha256:${HEX}0`,
    `SHA256:${HEX}`,
    HEX,
    "",
    `sha256:${HEX}\n`,
  ]) {
    expect(() => parseDigest(wrong), wrong).toThrow(failing("IMAGE_INVALID", /64 lower-case/));
    const bad = { ...manifest, layers: [{ ...layer, digest: wrong }] };
    expect(() => parse(bad), wrong).toThrow(failing("IMAGE_INVALID", /layers\.0\.digest/));
  }
  expect(() => parseDigest(`sha512:${HEX}${HEX}`)).toThrow(
    failing("UNSUPPORTED", /algorithm sha512, wanted sha256/),
  );
  expect(() => parseDigest("sha256:\x1b[31m")).toThrow(/\\x1b/);
});

test("schema 1, artefacts, foreign, encrypted and unknown layers are refused with a reason", () => {
  for (const [value, message] of [
    [{ schemaVersion: 1, name: "x", fsLayers: [] }, /schema 1/],
    [{ ...manifest, config: { ...config, mediaType: "application/vnd.cncf.helm" } }, /its config/],
    [{ ...manifest, mediaType: "application/spdx+json" }, /application\/spdx\+json/],
  ] as const) {
    expect(() => parse(value)).toThrow(failing("UNSUPPORTED", message));
  }
  for (const [mediaType, message] of [
    ["application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", /foreign/],
    ["application/vnd.oci.image.layer.nondistributable.v1.tar", /foreign/],
    [`${mediaTypes.ociLayerGzip}+encrypted`, /encrypted/],
    ["application/vnd.erofs", /unknown kind/],
  ] as const) {
    const layers = [layer, { ...layer, mediaType }];
    expect(() => parse({ ...manifest, layers })).toThrow(
      failing("UNSUPPORTED", new RegExp(`layer 2 of app:1.*${message.source}`)),
    );
  }
  const schema1 = "application/vnd.docker.distribution.manifest.v1+prettyjws";
  expect(() => parse(manifest, schema1)).toThrow(/calls itself/);
  expect(() => parse({}, schema1)).toThrow(failing("UNSUPPORTED", /schema 1/));
});

test("a config is read; what it lacks is named", () => {
  const image = {
    architecture: "amd64",
    os: "linux",
    config: { Cmd: ["x"] },
    rootfs: { type: "layers", diff_ids: [digest] },
    history: [{ empty_layer: true }],
  };
  expect(parseImageConfig(json(image), "app:1")).toEqual({
    architecture: "amd64",
    os: "linux",
    config: { Cmd: ["x"] },
    rootfs: { diff_ids: [digest] },
  });
  expect(parseImageConfig(json({ ...image, config: null }), "app:1").config).toEqual({});
  for (const [wrong, path] of [
    [{ ...image, rootfs: { type: "layers", diff_ids: ["x"] } }, /rootfs\.diff_ids\.0/],
    [{ ...image, rootfs: undefined }, /rootfs/],
    [{ ...image, architecture: 5 }, /architecture/],
    [[], /wanted a JSON object/],
  ] as const) {
    expect(() => parseImageConfig(json(wrong), "app:1")).toThrow(failing("IMAGE_INVALID", path));
  }
  const html = utf8("<html>\x1b]0;x");
  expect(() => parseImageConfig(html, "app:1")).toThrow(/begins with "<html>\\x1b/);
});

/** A document with a few of its values put in another's place, or bytes changed. */
const mutated = fc
  .tuple(
    fc.constantFrom<unknown>(manifest, index, { ...manifest, ...index }),
    fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 6 }),
    fc.nat(),
  )
  .map(([value, changes, cut]) => {
    const bytes = json(value);
    for (const [at, byte] of changes) bytes[at % bytes.length] = byte;
    return cut % 4 === 0 ? bytes.subarray(0, cut % bytes.length) : bytes;
  });
const anything = fc.oneof(mutated, fc.json().map(utf8), fc.uint8Array());
const keyed = fc
  .record(
    {
      schemaVersion: fc.constantFrom<unknown>(1, 2, "2", null),
      mediaType: fc.constantFrom<unknown>(...Object.values(mediaTypes), 7, null),
      config: fc.oneof(fc.constant(config), fc.jsonValue()),
      layers: fc.oneof(fc.array(fc.oneof(fc.constant(layer), fc.jsonValue())), fc.jsonValue()),
      manifests: fc.oneof(fc.array(fc.jsonValue()), fc.jsonValue()),
      rootfs: fc.jsonValue(),
    },
    { requiredKeys: [] },
  )
  .map(json);

test("fuzz: any bytes are a document or a WickError whose message is safe to print", () => {
  const parsers = [
    (bytes: Uint8Array) => parseIndexOrManifest(bytes, { name: "app:1" }),
    (bytes: Uint8Array) => parseImageConfig(bytes, "app:1"),
  ];
  fc.assert(
    fc.property(fc.oneof(anything, keyed), (bytes) => {
      for (const parser of parsers) {
        try {
          parser(bytes);
        } catch (error) {
          if (!isWickError(error)) throw error;
          expect(["IMAGE_INVALID", "IMAGE_LIMIT", "UNSUPPORTED"]).toContain(error.code);
          expect(error.message).not.toMatch(/\p{Cc}/u);
        }
      }
    }),
    { numRuns: 3000 },
  );
});
