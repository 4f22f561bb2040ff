/** For tests: an image in memory, as a registry serves it. */
import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { archive, file } from "../tar-builder.ts";

export function digestOf(bytes: Uint8Array): `sha256:${string}` {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}

/** A document or blob with what it is called. */
export interface Content {
  readonly bytes: Buffer;
  readonly digest: `sha256:${string}`;
  readonly mediaType: string;
}

export interface MemoryImage {
  readonly manifest: Content;
  readonly config: Content;
  readonly layers: readonly Content[];
}

export const types = {
  index: "application/vnd.oci.image.index.v1+json",
  manifest: "application/vnd.oci.image.manifest.v1+json",
  config: "application/vnd.oci.image.config.v1+json",
  layer: "application/vnd.oci.image.layer.v1.tar+gzip",
} as const;

export function content(mediaType: string, value: unknown): Content {
  const bytes = Buffer.isBuffer(value) ? value : Buffer.from(JSON.stringify(value));
  return { bytes, digest: digestOf(bytes), mediaType };
}

export function descriptor({ bytes, digest, mediaType }: Content): Record<string, unknown> {
  return { mediaType, digest, size: bytes.length };
}

/** Bytes that compress little, the same every time. */
export function noise(length: number, seed = 1): Buffer {
  const parts: Buffer[] = [];
  for (let i = 0; i * 32 < length; i++) {
    parts.push(createHash("sha256").update(`${seed} ${i}`).digest());
  }
  return Buffer.concat(parts).subarray(0, length);
}

/** An image of small layers for amd64 (and, since only bytes count here, of no use to anybody). */
export function memoryImage(
  options: {
    readonly layerBytes?: readonly number[];
    readonly architecture?: string;
    readonly changeManifest?: (manifest: Record<string, unknown>) => Record<string, unknown>;
  } = {},
): MemoryImage {
  const tars = (options.layerBytes ?? [2000]).map((length, i) =>
    archive(file(`file${i}`, noise(length, i))),
  );
  const layers = tars.map((tar) => content(types.layer, gzipSync(tar)));
  const config = content(types.config, {
    architecture: options.architecture ?? (process.arch === "arm64" ? "arm64" : "amd64"),
    os: "linux",
    config: { Cmd: ["/file0"] },
    rootfs: { type: "layers", diff_ids: tars.map(digestOf) },
  });
  const manifest = {
    schemaVersion: 2,
    mediaType: types.manifest,
    config: descriptor(config),
    layers: layers.map(descriptor),
  };
  const changed = options.changeManifest?.(manifest) ?? manifest;
  return { manifest: content(types.manifest, changed), config, layers };
}
