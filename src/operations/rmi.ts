import { sanitise } from "../bytes/index.ts";
import { isWickError, WickError } from "../errors/index.ts";
import { parseReference, showReference } from "../formats/oci/index.ts";
import { allocatedBytes, wickDirectories } from "../host/index.ts";
import {
  openStore,
  referencedBlobs,
  type ListedImage,
  type Store,
  type StoredName,
} from "../store/index.ts";
import type { Context } from "./common/context.ts";

/** What is removed from the store. */
export interface Removed {
  /** Names that are not known any more. */
  readonly untagged: readonly string[];
  /** Digests of blobs, and keys of finished images. */
  readonly deleted: readonly string[];
  readonly reclaimedBytes: number;
}

/** What `rmi` is asked for. */
export interface RemoveOptions {
  /** A registry's name, a source that an image was built from, or the beginning of a digest. */
  readonly image: string;
  /** Also what a running machine boots from: it keeps what it has open. */
  readonly force?: boolean;
}

/** Removes a name, what was built from it, and blobs that no other name needs. */
export async function removeImage(
  { image, force = false }: RemoveOptions,
  context: Context,
): Promise<Removed> {
  const store = openStore({ directory: wickDirectories(context.environment).cache });
  const message = "other wick commands use the store: waiting for them";
  const onWait = (): void => context.onEvent({ type: "note", message });
  using _ = await store.useAlone(context.signal, onWait);
  const { names, images } = find(store, image);
  const removed = await removeImages(store, images, { force, what: image });
  for (const { reference, platform } of names) store.names.remove(reference, platform);
  const blobs = removeUnreferenced(store, names);
  return {
    untagged: names.map(({ reference }) => reference),
    deleted: [...images.map(({ key }) => key), ...blobs.map(({ digest }) => digest)],
    reclaimedBytes: removed + blobs.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
  };
}

interface Chosen {
  readonly names: readonly StoredName[];
  readonly images: readonly ListedImage[];
}

/** Digits of a digest that are enough to mean it. */
const PREFIX_MIN = 6;

function find(store: Store, text: string): Chosen {
  const all = { names: store.names.list(), images: store.images.list() };
  const chosen = byName(all, text) ?? byDigest(all, text);
  if (chosen !== undefined) return chosen;
  throw new WickError(
    "SOURCE_NOT_FOUND",
    `Cannot remove ${sanitise(text)}: the store has no such image`,
    { hint: "wick images lists what it has" },
  );
}

function byName({ names, images }: Chosen, text: string): Chosen | undefined {
  const reference = canonical(text);
  const named = names.filter((name) => name.reference === reference);
  const digests = new Set<string>(named.map(({ manifestDigest }) => manifestDigest));
  const others = new Set<string>(
    names.filter((name) => !named.includes(name)).map(({ manifestDigest }) => manifestDigest),
  );
  // What another name stands for too stays built.
  const built = images.filter(
    ({ facts }) =>
      facts.source === text ||
      facts.manifests.some((digest) => digests.has(digest) && !others.has(digest)),
  );
  return named.length + built.length === 0 ? undefined : { names: named, images: built };
}

function byDigest({ names, images }: Chosen, text: string): Chosen | undefined {
  const hex = /^(?:sha256:)?([0-9a-f]+)$/.exec(text)?.[1] ?? "";
  if (hex.length < PREFIX_MIN) return undefined;
  const named = names.filter(({ manifestDigest }) => manifestDigest.startsWith(`sha256:${hex}`));
  const digests = new Set<string>(named.map(({ manifestDigest }) => manifestDigest));
  const built = images.filter(
    ({ key, facts }) => key.startsWith(hex) || facts.manifests.some((d) => digests.has(d)),
  );
  const meant = new Set([...digests, ...(named.length > 0 ? [] : built.map(({ key }) => key))]);
  if (meant.size === 1) return { names: named, images: built };
  if (meant.size === 0) return undefined;
  throw new WickError(
    "USAGE",
    `Cannot remove ${text}: ${meant.size} images have digests that begin so, wanted one`,
  );
}

/** The whole name that `text` is short for; itself when it is none of a registry. */
function canonical(text: string): string {
  try {
    return showReference(parseReference(text.replace(/^docker:/, "")));
  } catch (error) {
    if (isWickError(error)) return text;
    throw error;
  }
}

/** Removes finished images; all or, when one is in use, none. Returns what they took on the disk. */
export async function removeImages(
  store: Store,
  images: readonly ListedImage[],
  { force, what }: { readonly force: boolean; readonly what: string },
): Promise<number> {
  for (const { key } of images) {
    if (!force && (await store.images.isInUse(key))) throw inUse(what);
  }
  let bytes = 0;
  for (const { key } of images) {
    const used = allocatedBytes(store.images.imageOf(key));
    if (force) store.images.removeAnyway(key);
    else if (!(await store.images.remove(key))) throw inUse(what);
    bytes += used;
  }
  return bytes;
}

function inUse(what: string): WickError {
  return new WickError(
    "IN_USE",
    `Cannot remove ${sanitise(what)}: a running machine boots from it`,
    { hint: "end the machine first, or give -f: the machine keeps what it has open" },
  );
}

/** Removes the blobs that only `names`, which are removed already, needed. */
function removeUnreferenced(store: Store, names: readonly StoredName[]) {
  const needed = referencedBlobs(store.names.list(), store.blobs);
  const candidates = referencedBlobs(names, store.blobs);
  const gone = store.blobs
    .list()
    .filter(({ digest }) => candidates.has(digest) && !needed.has(digest));
  for (const { digest } of gone) store.blobs.remove(digest);
  return gone;
}
