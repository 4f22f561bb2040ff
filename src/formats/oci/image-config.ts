import * as v from "valibot";
import { compact, digest, maybe, type Platform, text } from "./descriptor.ts";
import type { Digest } from "./digest.ts";
import { checkCount, conform, parseObject } from "./document.ts";

/** The document that a manifest's `config` names (image-spec, config.md). */
export interface ImageConfig extends Platform {
  /** As it stands in the document; configFromImage understands it. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly rootfs: {
    /** Digests of the layers uncompressed, lowest first. */
    readonly diff_ids: readonly Digest[];
  };
}

const someObject = v.custom<Record<string, unknown>>(
  (is) => typeof is === "object" && is !== null && !Array.isArray(is),
  "wanted an object",
);

const schema = v.object({
  architecture: text,
  os: text,
  variant: maybe(text),
  config: maybe(someObject),
  rootfs: v.object(
    {
      type: v.literal("layers", 'wanted "layers"'),
      diff_ids: maybe(v.array(digest, "wanted a list")),
    },
    "wanted an object",
  ),
});

/** Reads an image's config; IMAGE_INVALID, IMAGE_LIMIT. `name` is the image's, for messages. */
export function parseImageConfig(bytes: Uint8Array, name: string): ImageConfig {
  const what = `the config of ${name}`;
  const document = parseObject(bytes, what);
  checkCount((document["rootfs"] as { diff_ids?: unknown } | undefined | null)?.diff_ids, what);
  const { rootfs, config, ...platform } = conform(schema, document, what);
  return {
    ...(compact(platform) as Platform),
    config: config ?? {},
    rootfs: { diff_ids: rootfs.diff_ids ?? [] },
  };
}
