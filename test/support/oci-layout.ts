/** For tests: images as OCI layouts on disk, by the specification's shortest way. */
import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** An image of uncompressed layers, the lowest first. */
export interface LayoutImage {
  readonly name: string;
  readonly layers: readonly Uint8Array[];
}

const MEDIA = "application/vnd.oci.image";
const digestOf = (bytes: Uint8Array): string =>
  `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
const architecture = process.arch === "arm64" ? "arm64" : "amd64";

/** Writes all images into one layout at `directory`, each under its name. */
export function writeLayout(directory: string, images: readonly LayoutImage[]): void {
  const blobs = join(directory, "blobs", "sha256");
  mkdirSync(blobs, { recursive: true });
  const put = (mediaType: string, bytes: Uint8Array): Record<string, unknown> => {
    const digest = digestOf(bytes);
    writeFileSync(join(blobs, digest.slice("sha256:".length)), bytes);
    return { mediaType, digest, size: bytes.length };
  };
  const putJson = (mediaType: string, value: unknown): Record<string, unknown> =>
    put(mediaType, Buffer.from(JSON.stringify(value)));
  const manifests = images.map(({ name, layers }) => {
    const diffIds = layers.map(digestOf);
    const config = putJson(`${MEDIA}.config.v1+json`, {
      architecture,
      os: "linux",
      config: {},
      rootfs: { type: "layers", diff_ids: diffIds },
    });
    const manifest = putJson(`${MEDIA}.manifest.v1+json`, {
      schemaVersion: 2,
      mediaType: `${MEDIA}.manifest.v1+json`,
      config,
      layers: layers.map((bytes) => put(`${MEDIA}.layer.v1.tar`, bytes)),
    });
    const annotations = { "org.opencontainers.image.ref.name": name };
    return { ...manifest, annotations };
  });
  const index = { schemaVersion: 2, mediaType: `${MEDIA}.index.v1+json`, manifests };
  writeFileSync(join(directory, "index.json"), JSON.stringify(index));
  writeFileSync(join(directory, "oci-layout"), JSON.stringify({ imageLayoutVersion: "1.0.0" }));
}

/** What containerd calls the snapshot of all layers together (image-spec, config.md: ChainID). */
export function chainId(layers: readonly Uint8Array[]): string {
  return layers
    .map(digestOf)
    .reduce((chain, diffId) => digestOf(Buffer.from(`${chain} ${diffId}`)));
}
