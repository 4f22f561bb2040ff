/** For tests: images document by document, right or wrong as the test wants them. */
import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { mediaTypes } from "../../src/formats/oci/index.ts";
import { archive, file, header } from "./tar-builder.ts";

export const digestOf = (bytes: Uint8Array): string =>
  `sha256:${createHash("sha256").update(bytes).digest("hex")}`;

export const json = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value));

export interface Described {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

export const describe = (mediaType: string, bytes: Uint8Array): Described => ({
  mediaType,
  digest: digestOf(bytes),
  size: bytes.length,
});

/** A layer's plain bytes, and how they are stored. */
export interface MadeLayer {
  readonly plain: Uint8Array;
  readonly stored: Uint8Array;
  readonly mediaType: string;
}

export const gzipLayer = (plain: Uint8Array): MadeLayer => ({
  plain,
  stored: gzipSync(plain),
  mediaType: mediaTypes.ociLayerGzip,
});

export const plainLayer = (plain: Uint8Array): MadeLayer => ({
  plain,
  stored: plain,
  mediaType: mediaTypes.ociLayer,
});

/** Two small layers; the upper one takes a file of the lower one away. */
export function sampleLayers(): MadeLayer[] {
  return [
    gzipLayer(
      archive(
        header({ name: "etc/", typeflag: "5", mode: 0o755 }),
        file("etc/a", "a"),
        file("b", "b"),
      ),
    ),
    plainLayer(archive(file("etc/.wh.a"), file("c", "cc"))),
  ];
}

export const architecture = process.arch === "arm64" ? "arm64" : "amd64";

/** An image's documents, by path as in a layout, and what names them. */
export interface MadeImage {
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly manifest: Described;
  readonly config: Described;
  readonly layers: readonly Described[];
}

/** What is put in the place of what an image usually says. */
export interface Changes {
  readonly config?: Record<string, unknown>;
  readonly manifest?: Record<string, unknown>;
}

export function makeImage(layers = sampleLayers(), changes: Changes = {}): MadeImage {
  const files = new Map<string, Uint8Array>();
  const put = (mediaType: string, bytes: Uint8Array): Described => {
    const descriptor = describe(mediaType, bytes);
    files.set(blobPath(descriptor.digest), bytes);
    return descriptor;
  };
  const diff_ids = layers.map(({ plain }) => digestOf(plain));
  const config = put(
    mediaTypes.ociConfig,
    json({
      architecture,
      os: "linux",
      config: { Cmd: ["/c"] },
      rootfs: { type: "layers", diff_ids },
      ...changes.config,
    }),
  );
  const stored = layers.map((layer) => put(layer.mediaType, layer.stored));
  const document = { schemaVersion: 2, mediaType: mediaTypes.ociManifest, config, layers: stored };
  const manifest = put(mediaTypes.ociManifest, json({ ...document, ...changes.manifest }));
  return { files, manifest, config, layers: stored };
}

export const blobPath = (digest: string): string => `blobs/${digest.replace(":", "/")}`;

/** The files of a layout that names these images by tag. */
export function layoutFiles(
  images: readonly (readonly [tag: string | undefined, MadeImage, Record<string, unknown>?])[],
): Map<string, Uint8Array> {
  const files = new Map(images.flatMap(([, image]) => [...image.files]));
  const manifests = images.map(([tag, { manifest }, more]) => ({
    ...manifest,
    ...(tag !== undefined && { annotations: { "org.opencontainers.image.ref.name": tag } }),
    ...more,
  }));
  files.set("index.json", json({ schemaVersion: 2, manifests }));
  files.set("oci-layout", json({ imageLayoutVersion: "1.0.0" }));
  return files;
}

/** The files of a `docker save` archive in its old form. */
export function savedFiles(
  image: MadeImage,
  tags: readonly string[] | null = ["app:1"],
): Map<string, Uint8Array> {
  const files = new Map<string, Uint8Array>();
  const hex = image.config.digest.slice(7);
  files.set(`${hex}.json`, image.files.get(blobPath(image.config.digest))!);
  const Layers = image.layers.map(({ digest }, index) => {
    files.set(`${index}/layer.tar`, image.files.get(blobPath(digest))!);
    return `${index}/layer.tar`;
  });
  files.set("manifest.json", json([{ Config: `${hex}.json`, RepoTags: tags, Layers }]));
  return files;
}

/** Writes files below a directory. */
export function writeFiles(directory: string, files: ReadonlyMap<string, Uint8Array>): void {
  for (const [name, bytes] of files) {
    const path = join(directory, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, bytes);
  }
}

/** Packs files into a tar archive; `more` are entries behind them. */
export function packFiles(
  files: ReadonlyMap<string, Uint8Array>,
  ...more: readonly Uint8Array[]
): Uint8Array {
  return archive(...Array.from(files, ([name, bytes]) => file(name, bytes)), ...more);
}
