import * as v from "valibot";
import { sanitise } from "../../bytes/index.ts";
import { type Digest, isDigest, parseDigest } from "./digest.ts";

/** Which machines a manifest is for (image-spec, image-index.md). */
export interface Platform {
  readonly architecture: string;
  readonly os: string;
  /** `v8` of arm64, `v7` of arm. */
  readonly variant?: string;
}

/** Names a content by its digest and size (image-spec, descriptor.md). */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
  readonly urls?: readonly string[];
  readonly annotations?: Readonly<Record<string, string>>;
  readonly platform?: Platform;
  /** The content itself in base64, where it is small. */
  readonly data?: string;
  readonly artifactType?: string;
}

/** A key may be missing, or null as Go prints what is empty. */
export const maybe = <S extends v.GenericSchema>(schema: S) =>
  v.pipe(
    v.nullish(schema),
    v.transform((is) => is ?? undefined),
  );

export const text = v.string("wanted a text");

/** Within a list or an object null is an empty text to Go. */
const textOrNull = v.pipe(
  v.nullable(text),
  v.transform((is) => is ?? ""),
);
const texts = v.array(textOrNull, "wanted a list of texts");
export const annotations = v.record(text, textOrNull, "wanted an object of texts");

const size = v.pipe(
  v.number("wanted a number"),
  v.safeInteger("wanted a whole number under 2^53"),
  v.minValue(0, "wanted no negative number"),
);

/** Other algorithms are told apart by {@link parseDigest}, whose errors are of their own. */
export const digest = v.pipe(
  text,
  v.rawTransform(({ dataset, addIssue, NEVER }): Digest => {
    if (isDigest(dataset.value)) return dataset.value;
    addIssue({ message: digestProblem(dataset.value) });
    return NEVER;
  }),
);

function digestProblem(is: string): string {
  try {
    return parseDigest(is);
  } catch (error) {
    return (error as Error).message;
  }
}

const platform = v.object({ architecture: text, os: text, variant: maybe(text) });

/** Keys that the specification does not know are left out, as it asks for. */
export const descriptor = v.object(
  {
    mediaType: text,
    digest,
    size,
    urls: maybe(texts),
    annotations: maybe(annotations),
    platform: maybe(platform),
    data: maybe(text),
    artifactType: maybe(text),
  },
  "wanted a descriptor",
);

/** `descriptor` as read, without the keys that are undefined. */
export function asDescriptor(is: v.InferOutput<typeof descriptor>): Descriptor {
  const { platform: of, ...rest } = is;
  return compact({ ...rest, platform: of && compact(of) }) as unknown as Descriptor;
}

/** Without the properties that are undefined. */
export function compact<T extends object>(of: T): T {
  return Object.fromEntries(Object.entries(of).filter(([, is]) => is !== undefined)) as T;
}

/** `linux/arm64/v8`, safe to print. */
export function showPlatform({ os, architecture, variant }: Platform): string {
  const parts = [os, architecture, ...(variant ? [variant] : [])];
  return sanitise(parts.join("/").slice(0, 60));
}
