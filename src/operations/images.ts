import { allocatedBytes, wickDirectories } from "../host/index.ts";
import {
  blobsOf,
  openStore,
  type ListedImage,
  type Store,
  type StoredName,
} from "../store/index.ts";
import type { Context } from "./common/context.ts";

/** A finished image in the store. */
export interface BuiltImage {
  readonly key: string;
  /** Size of the file; what holds nothing is a hole. */
  readonly sizeBytes: number;
  /** What it takes on the disk. */
  readonly usedBytes: number;
  /** Of its last use: seconds since 1970. */
  readonly usedAt: number;
}

/** What `images` lists: a registry's name, or a source that images were built from. */
export interface ImageRow {
  /** As `docker.io/library/nginx:alpine` or `deb:nginx-light`. */
  readonly reference: string;
  readonly platform?: string;
  /** Of the manifest; absent where no registry's name was kept. */
  readonly digest?: string;
  /** When the registry was asked: seconds since 1970. */
  readonly resolvedAt?: number;
  /** Of its blobs in the store: manifest, config and layers. */
  readonly blobBytes: number;
  readonly built: readonly BuiltImage[];
}

/** The store's contents, and what they take on the disk together. */
export interface ImageList {
  readonly images: readonly ImageRow[];
  readonly total: {
    readonly blobs: number;
    readonly blobBytes: number;
    readonly built: number;
    readonly builtBytes: number;
  };
}

/** Lists what the store holds. */
export async function listImages(context: Context): Promise<ImageList> {
  const store = openStore({ directory: wickDirectories(context.environment).cache });
  using _ = await store.use(context.signal);
  const blobs = new Map(store.blobs.list().map((blob) => [blob.digest, blob.sizeBytes]));
  const names = store.names.list();
  const images = store.images.list();
  const rows = names.map((name) => namedRow(name, { store, blobs, images }));
  const built = images.map((image) => builtImage(store, image));
  return {
    images: [...rows, ...unnamedRows(names, { store, images })],
    total: {
      blobs: blobs.size,
      blobBytes: sum([...blobs.values()]),
      built: built.length,
      builtBytes: sum(built.map(({ usedBytes }) => usedBytes)),
    },
  };
}

interface Found {
  readonly store: Store;
  readonly images: readonly ListedImage[];
}

function namedRow(
  name: StoredName,
  { store, blobs, images }: Found & { readonly blobs: ReadonlyMap<string, number> },
): ImageRow {
  const digests = new Set((blobsOf(name, store.blobs) ?? []).map(({ digest }) => digest));
  return {
    reference: name.reference,
    platform: name.platform,
    digest: name.manifestDigest,
    resolvedAt: name.at,
    blobBytes: sum([...digests].map((digest) => blobs.get(digest) ?? 0)),
    built: images
      .filter(({ facts }) => facts.manifests.includes(name.manifestDigest))
      .map((image) => builtImage(store, image)),
  };
}

/** Images of sources that have no name in a registry, or whose name means another image now. */
function unnamedRows(names: readonly StoredName[], { store, images }: Found): ImageRow[] {
  const named = new Set<string>(names.map(({ manifestDigest }) => manifestDigest));
  const rest = images.filter(({ facts }) => !facts.manifests.some((digest) => named.has(digest)));
  const sources = [...new Set(rest.map(({ facts }) => facts.source))].sort();
  return sources.map((reference) => ({
    reference,
    blobBytes: 0,
    built: rest
      .filter(({ facts }) => facts.source === reference)
      .map((image) => builtImage(store, image)),
  }));
}

function builtImage(store: Store, { key, sizeBytes, usedAt }: ListedImage): BuiltImage {
  return { key, sizeBytes, usedBytes: allocatedBytes(store.images.imageOf(key)), usedAt };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
