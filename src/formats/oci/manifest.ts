import * as v from "valibot";
import { sanitise } from "../../bytes/index.ts";
import { WickError } from "../../errors/index.ts";
import {
  annotations,
  asDescriptor,
  compact,
  type Descriptor,
  descriptor,
  maybe,
} from "./descriptor.ts";
import { checkCount, conform, invalid, parseObject } from "./document.ts";
import {
  bareType,
  isImageConfigType,
  isIndexType,
  isManifestType,
  isSchema1Type,
  isVagueType,
  layerProblem,
} from "./media-types.ts";

/** An image of several platforms: image-spec image-index.md, Docker's manifest list. */
export interface ImageIndex {
  readonly kind: "index";
  readonly manifests: readonly Descriptor[];
  readonly annotations?: Readonly<Record<string, string>>;
}

/** An image of one platform: image-spec manifest.md, Docker's image manifest v2 schema 2. */
export interface ImageManifest {
  readonly kind: "manifest";
  readonly config: Descriptor;
  /** Lowest first. */
  readonly layers: readonly Descriptor[];
  readonly annotations?: Readonly<Record<string, string>>;
}

/** What is known of a document beside its bytes. */
export interface DocumentFacts {
  /** The image's, for messages; already safe to print. */
  readonly name: string;
  /** The Content-Type that it came with, or its descriptor's; must agree with its own. */
  readonly mediaType?: string | undefined;
}

const descriptors = maybe(v.array(descriptor, "wanted a list"));

const indexSchema = v.object({
  schemaVersion: v.literal(2, "wanted 2"),
  manifests: descriptors,
  annotations: maybe(annotations),
});

const manifestSchema = v.object({
  schemaVersion: v.literal(2, "wanted 2"),
  config: descriptor,
  layers: descriptors,
  annotations: maybe(annotations),
});

/**
 * Reads an index or a manifest, OCI's or Docker's. Errors: IMAGE_INVALID, IMAGE_LIMIT (4 MiB,
 * 1000 descriptors), UNSUPPORTED for schema 1, for artefacts that are no image, and for layers
 * that are encrypted, foreign or of an unknown kind.
 */
export function parseIndexOrManifest(
  bytes: Uint8Array,
  { name, mediaType }: DocumentFacts,
): ImageIndex | ImageManifest {
  const document = parseObject(bytes, `the manifest of ${name}`);
  const kind = kindOf(document, agreedType(document, mediaType, name), name);
  return kind === "index" ? toIndex(document, name) : toManifest(document, name);
}

/** The media type that everybody who names one agrees on (threats R7); "" when nobody does. */
function agreedType(
  document: Readonly<Record<string, unknown>>,
  given: string | undefined,
  name: string,
): string {
  const own = document["mediaType"] ?? "";
  if (typeof own !== "string") throw invalid(`the manifest of ${name}`, "mediaType: wanted a text");
  const inside = bareType(own);
  const outside = bareType(given ?? "");
  if (isVagueType(outside)) return inside;
  if (inside === "" || inside === outside) return outside;
  throw invalid(
    `the manifest of ${name}`,
    `it came as "${shorten(outside)}" and calls itself "${shorten(inside)}", wanted the same`,
  );
}

function kindOf(
  document: Readonly<Record<string, unknown>>,
  mediaType: string,
  name: string,
): "index" | "manifest" {
  const has = (key: string): boolean => (document[key] ?? undefined) !== undefined;
  if (isSchema1Type(mediaType) || document["schemaVersion"] === 1 || has("fsLayers")) {
    throw schema1(name);
  }
  const byType = kindOfType(mediaType, name);
  const byKeys = kindOfKeys(has("manifests"), has("layers") || has("config"), name);
  if (byType === undefined || byKeys === undefined || byType === byKeys) {
    const kind = byType ?? byKeys;
    if (kind !== undefined) return kind;
  }
  throw invalid(`the manifest of ${name}`, "it is neither an index nor a manifest of layers");
}

function kindOfType(mediaType: string, name: string): "index" | "manifest" | undefined {
  if (mediaType === "") return undefined;
  if (isIndexType(mediaType)) return "index";
  if (isManifestType(mediaType)) return "manifest";
  throw new WickError(
    "UNSUPPORTED",
    `Cannot use ${name}: a document of the type "${shorten(mediaType)}", wanted an image`,
  );
}

/** A document of both kinds means one thing to us and another to others (CVE-2021-41190). */
function kindOfKeys(
  asIndex: boolean,
  asManifest: boolean,
  name: string,
): "index" | "manifest" | undefined {
  if (asIndex && asManifest) {
    const why = "it has both manifests and layers or a config, and so two meanings";
    throw invalid(`the manifest of ${name}`, why);
  }
  if (asIndex) return "index";
  return asManifest ? "manifest" : undefined;
}

function toIndex(document: unknown, name: string): ImageIndex {
  const what = `the index of ${name}`;
  checkCount((document as { manifests?: unknown }).manifests, what);
  const is = conform(indexSchema, document, what);
  const manifests = (is.manifests ?? []).map(asDescriptor);
  return compact({ kind: "index", manifests, annotations: is.annotations }) as ImageIndex;
}

function toManifest(document: unknown, name: string): ImageManifest {
  const what = `the manifest of ${name}`;
  checkCount((document as { layers?: unknown }).layers, what);
  const is = conform(manifestSchema, document, what);
  const config = asDescriptor(is.config);
  const layers = (is.layers ?? []).map(asDescriptor);
  checkIsImage(config, layers, name);
  return compact({
    kind: "manifest",
    config,
    layers,
    annotations: is.annotations,
  }) as ImageManifest;
}

/** Helm charts, signatures and the like are manifests too, and have no root file system. */
function checkIsImage(config: Descriptor, layers: readonly Descriptor[], name: string): void {
  const type = bareType(config.mediaType);
  if (!isImageConfigType(type)) {
    throw new WickError(
      "UNSUPPORTED",
      `Cannot use ${name}: its config is of the type "${shorten(type)}", wanted that of an image`,
      { hint: "it is an artefact such as a chart or a signature, and holds no files to run" },
    );
  }
  layers.forEach(({ mediaType, digest }, index) => {
    const problem = layerProblem(bareType(mediaType));
    if (problem === undefined) return;
    throw new WickError(
      "UNSUPPORTED",
      `Cannot use layer ${index + 1} of ${name} (${digest}): ${problem}, its type is "${shorten(mediaType)}"`,
      { hint: "layers are tar archives, plain or compressed with gzip or zstd" },
    );
  });
}

function schema1(name: string): WickError {
  return new WickError(
    "UNSUPPORTED",
    `Cannot use ${name}: a manifest of Docker's schema 1, wanted schema 2 or OCI`,
    { hint: "push the image again with a current tool: skopeo copy converts it" },
  );
}

function shorten(mediaType: string): string {
  return sanitise(mediaType.slice(0, 100));
}
