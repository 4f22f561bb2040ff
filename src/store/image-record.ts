import * as v from "valibot";
import { fileStateEntries } from "./file-state.ts";

/** What is known of a finished image beside its bytes. */
export interface ImageFacts {
  /** The source as it was asked for: for lists. */
  readonly source: string;
  /** Manifests in the store that it was made from. */
  readonly manifests: readonly string[];
  /** What the maker says of it; JSON. */
  readonly result: unknown;
}

const factsSchema = v.strictObject({
  source: v.string(),
  manifests: v.array(v.string()),
  result: v.unknown(),
});

/** images/KEY/image.json: an image in the store. */
export const imageSchema = v.strictObject({
  wick: v.literal(1),
  facts: factsSchema,
  digest: v.string(),
  state: v.strictObject(fileStateEntries),
});

export type ImageRecord = v.InferOutput<typeof imageSchema>;

/** images/KEY/elsewhere.json: files of the user's with the image, newest first. */
export const placesSchema = v.strictObject({
  wick: v.literal(1),
  facts: factsSchema,
  places: v.array(
    v.strictObject({
      path: v.string(),
      state: v.strictObject(fileStateEntries),
      /** Of the host's start since which it holds, where the disk was not waited for. */
      bootId: v.exactOptional(v.string()),
    }),
  ),
});

export type PlacesRecord = v.InferOutput<typeof placesSchema>;
