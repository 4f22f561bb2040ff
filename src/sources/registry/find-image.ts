import { sanitise } from "../../bytes/index.ts";
import { isWickError, WickError } from "../../errors/index.ts";
import {
  bareType,
  type Descriptor,
  type Digest,
  DOCUMENT_MAX_BYTES,
  type ImageReference,
  isIndexType,
  isManifestType,
  platformName,
  showReference,
  type WantedPlatform,
} from "../../formats/oci/index.ts";
import { unixSeconds } from "../../host/index.ts";
import type { Store } from "../../store/index.ts";
import { type ResolvedImage, resolveImage } from "../image/index.ts";
import { BlobDownload } from "./blob-download.ts";
import { fetchByDigest, fetchFirst, type FirstDocument, refuseForeign } from "./resolve.ts";
import type { RegistrySession } from "./session.ts";

/** When a registry is asked: where something is missing, in any case, or not at all. */
export type PullPolicy = "missing" | "always" | "never";

/** How an image is looked for. */
export interface FindOptions {
  readonly store: Store;
  readonly platform: WantedPlatform;
  readonly policy: PullPolicy;
  /** Opened when a registry is really to be asked, and not before. */
  readonly session: () => Promise<RegistrySession>;
  readonly signal?: AbortSignal | undefined;
}

/** An image whose manifest and config are in the store. */
export interface KnownImage extends ResolvedImage {
  readonly reference: ImageReference;
  /** Of what the tag names, an index maybe. */
  readonly digest: Digest;
  readonly manifestSize: number;
  /** Taken from the store's own record of what the name stands for. */
  readonly isRecorded: boolean;
}

/**
 * Finds an image by the policy: `missing` takes what the name stood for when the registry was
 * last asked, and needs no network when that is here.
 */
export async function findKnownImage(
  reference: ImageReference,
  options: FindOptions,
): Promise<KnownImage> {
  const { policy, platform, store, signal } = options;
  const name = sanitise(showReference(reference));
  const recorded = policy === "always" ? undefined : readRecorded(reference, options);
  if (recorded === undefined && policy === "never") throw notHere(reference, platform);
  const first = recorded ?? (await fetchFirst(await options.session(), reference));
  const read = new Map([[first.descriptor.digest, first.bytes]]);
  const resolved = await resolveImage(
    {
      name,
      start: first.descriptor,
      wanted: platform,
      async read(descriptor) {
        const bytes =
          read.get(descriptor.digest) ?? (await readDocument(descriptor, reference, options));
        read.set(descriptor.digest, bytes);
        return bytes;
      },
    },
    signal,
  );
  for (const layer of resolved.manifest.layers) refuseForeign(layer, name);
  const manifest = read.get(resolved.manifestDigest)!;
  if (recorded === undefined) await store.blobs.put(manifest);
  return {
    ...resolved,
    reference,
    digest: first.descriptor.digest,
    manifestSize: manifest.length,
    isRecorded: recorded !== undefined,
  };
}

/** Records what the name stands for: once everything that it names is in the store (S2). */
export async function recordName(
  image: KnownImage,
  { store, platform }: FindOptions,
): Promise<void> {
  if (image.isRecorded) return;
  await store.names.set({
    reference: showReference(image.reference),
    platform: platformName(platform),
    manifestDigest: image.manifestDigest,
    manifestSize: image.manifestSize,
    at: unixSeconds(),
  });
}

/** The manifest that a name stood for when its registry was last asked. */
export function rememberedDigest(
  reference: ImageReference,
  { store, platform }: FindOptions,
): Digest | undefined {
  return store.names.get(showReference(reference), platformName(platform))?.manifestDigest;
}

/** The manifest that the store remembers for a name, if it is still there. */
function readRecorded(
  reference: ImageReference,
  { store, platform }: FindOptions,
): FirstDocument | undefined {
  const name = store.names.get(showReference(reference), platformName(platform));
  if (name === undefined) return undefined;
  const id = { digest: name.manifestDigest, size: name.manifestSize };
  const bytes = store.blobs.read(id, DOCUMENT_MAX_BYTES);
  return bytes === undefined ? undefined : { bytes, descriptor: { ...id, mediaType: "" } };
}

/** The document's bytes: a manifest by its own address, a config as any other blob. */
async function readDocument(
  descriptor: Descriptor,
  reference: ImageReference,
  options: FindOptions,
): Promise<Uint8Array> {
  const name = sanitise(showReference(reference));
  const { mediaType, size } = descriptor;
  refuseForeign(descriptor, name);
  if (size > DOCUMENT_MAX_BYTES) throw tooBig(name, size);
  const type = bareType(mediaType);
  if (isIndexType(type) || isManifestType(type)) {
    const there = options.store.blobs.read(descriptor, DOCUMENT_MAX_BYTES);
    if (there !== undefined) return there;
    return await fetchByDigest(await options.session(), reference, descriptor);
  }
  const what = { reference, descriptor, name: `the config of ${name}` };
  await fetchBlob(what, options);
  const there = options.store.blobs.read(descriptor, DOCUMENT_MAX_BYTES);
  if (there !== undefined) return there;
  // Found damaged just now, and set aside: once more, where the policy allows it.
  await fetchBlob(what, options);
  return options.store.blobs.read(descriptor, DOCUMENT_MAX_BYTES) ?? new Uint8Array();
}

/** One blob of an image. */
export interface BlobOf {
  readonly reference: ImageReference;
  readonly descriptor: Descriptor;
  /** For messages. */
  readonly name: string;
  readonly onBytes?: ((sizeBytes: number) => void) | undefined;
}

/** The path of a blob in the store, downloaded where it is not there and the policy allows it. */
export async function fetchBlob(blob: BlobOf, options: FindOptions): Promise<string> {
  const { descriptor, name, reference, onBytes } = blob;
  const { store, policy, signal } = options;
  const there = store.blobs.find(descriptor);
  if (there !== undefined) return there;
  if (policy === "never") throw notHere(reference, options.platform, name);
  const session = await options.session();
  const clients = session.clientsFor(reference.registry, reference.repository);
  const wanted = { session, clients, repository: reference.repository, descriptor, name, onBytes };
  const onWait = (): void => session.note(`another wick is downloading ${name}: waiting for it`);
  for (let isAgain = false; ; isAgain = true) {
    const download = new BlobDownload(wanted);
    try {
      return await store.blobs.fetch(descriptor, (part, by) => download.into(part, by), {
        signal,
        onWait,
      });
    } catch (error) {
      const isPatched = download.isPatched && isWickError(error, "DIGEST_MISMATCH");
      if (isAgain || !isPatched) throw error;
      session.note(`${name} did not fit together: downloading it from its beginning`);
    }
  }
}

function notHere(reference: ImageReference, platform: WantedPlatform, what?: string): WickError {
  const name = sanitise(showReference(reference));
  return new WickError(
    "SOURCE_NOT_FOUND",
    `Cannot use ${name}: ${what ?? `it (for ${platformName(platform)})`} is not here, and --pull never forbids to ask for it`,
    { hint: `wick pull ${name}` },
  );
}

function tooBig(name: string, size: number): WickError {
  return new WickError(
    "IMAGE_LIMIT",
    `Cannot pull ${name}: one of its documents has ${size} bytes, wanted at most ${DOCUMENT_MAX_BYTES}`,
  );
}
