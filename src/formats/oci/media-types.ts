/** Media types of images: opencontainers/image-spec media-types.md, and Docker's image v2 schema 2. */
export const mediaTypes = {
  ociIndex: "application/vnd.oci.image.index.v1+json",
  ociManifest: "application/vnd.oci.image.manifest.v1+json",
  ociConfig: "application/vnd.oci.image.config.v1+json",
  ociLayer: "application/vnd.oci.image.layer.v1.tar",
  ociLayerGzip: "application/vnd.oci.image.layer.v1.tar+gzip",
  ociLayerZstd: "application/vnd.oci.image.layer.v1.tar+zstd",
  dockerManifestList: "application/vnd.docker.distribution.manifest.list.v2+json",
  dockerManifest: "application/vnd.docker.distribution.manifest.v2+json",
  dockerConfig: "application/vnd.docker.container.image.v1+json",
  dockerLayer: "application/vnd.docker.image.rootfs.diff.tar",
  dockerLayerGzip: "application/vnd.docker.image.rootfs.diff.tar.gzip",
  dockerLayerZstd: "application/vnd.docker.image.rootfs.diff.tar.zstd",
} as const;

const indexes: ReadonlySet<string> = new Set([mediaTypes.ociIndex, mediaTypes.dockerManifestList]);
const manifests: ReadonlySet<string> = new Set([mediaTypes.ociManifest, mediaTypes.dockerManifest]);
const configs: ReadonlySet<string> = new Set([mediaTypes.ociConfig, mediaTypes.dockerConfig]);
const layers: ReadonlySet<string> = new Set([
  mediaTypes.ociLayer,
  mediaTypes.ociLayerGzip,
  mediaTypes.ociLayerZstd,
  mediaTypes.dockerLayer,
  mediaTypes.dockerLayerGzip,
  mediaTypes.dockerLayerZstd,
]);

/** What a registry is asked for, best first. */
export const manifestMediaTypes: readonly string[] = [...indexes, ...manifests];

export function isIndexType(mediaType: string): boolean {
  return indexes.has(mediaType);
}

export function isManifestType(mediaType: string): boolean {
  return manifests.has(mediaType);
}

/** Docker's schema 1, signed or not: replaced in 2016, its digests cover no layer's contents. */
export function isSchema1Type(mediaType: string): boolean {
  return /^application\/vnd\.docker\.distribution\.manifest\.v1\+(json|prettyjws)$/.test(mediaType);
}

export function isImageConfigType(mediaType: string): boolean {
  return configs.has(mediaType);
}

/** The reason why a layer of this type cannot be used; undefined when it can. */
export function layerProblem(mediaType: string): string | undefined {
  if (layers.has(mediaType)) return undefined;
  if (mediaType.endsWith("+encrypted")) return "it is encrypted";
  if (/\.(rootfs\.foreign|layer\.nondistributable)\./.test(mediaType)) {
    return "its contents are kept outside of the registry (a foreign layer)";
  }
  return "it is of an unknown kind";
}

/** A Content-Type or mediaType without its parameters, in lower case. */
export function bareType(text: string): string {
  return text.split(";", 1)[0]!.trim().toLowerCase();
}

/** Types that say nothing of a document: file servers give them to everything. */
const vague: ReadonlySet<string> = new Set([
  "",
  "application/json",
  "application/octet-stream",
  "binary/octet-stream",
  "text/plain",
]);

export function isVagueType(mediaType: string): boolean {
  return vague.has(mediaType);
}
