import { throwIfAborted, wickDirectories } from "../host/index.ts";
import { blobsOf, openStore, type Store } from "../store/index.ts";
import type { Context } from "./common/context.ts";
import { runStep } from "./common/progress.ts";

/** Something in the store that is not as it was put there. */
export interface Damage {
  readonly kind: "blob" | "image" | "name";
  /** The digest, key, or name. */
  readonly what: string;
  readonly problem: string;
  /** What to do about it. */
  readonly hint: string;
}

/** What `store verify` found. */
export interface Verification {
  readonly blobs: { readonly checked: number; readonly bytes: number };
  readonly images: { readonly checked: number };
  readonly names: { readonly checked: number };
  readonly damage: readonly Damage[];
}

/** Digests all blobs and finished images anew, and looks whether names have what they name. */
export async function verifyStore(context: Context): Promise<Verification> {
  const store = openStore({ directory: wickDirectories(context.environment).cache });
  using _ = await store.use(context.signal);
  const damage: Damage[] = [];
  const blobs = await verifyBlobs(store, damage, context);
  const images = await verifyImages(store, damage, context);
  const names = verifyNames(store, damage);
  return { blobs, images, names, damage };
}

function verifyBlobs(
  store: Store,
  damage: Damage[],
  { onEvent, signal }: Context,
): Promise<Verification["blobs"]> {
  return runStep(onEvent, { step: "blobs", title: "Digest the blobs" }, async (step) => {
    const blobs = store.blobs.list();
    const totalBytes = blobs.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    let bytes = 0;
    for (const { digest, sizeBytes } of blobs) {
      throwIfAborted(signal);
      if (!(await store.blobs.verify(digest, signal))) {
        damage.push({
          kind: "blob",
          what: digest,
          problem: "its bytes are not those of its digest",
          hint: "wick fetches it again when it is used; wick prune -a removes it",
        });
      }
      bytes += sizeBytes;
      step.bytes(bytes, totalBytes);
    }
    return { checked: blobs.length, bytes };
  });
}

function verifyImages(
  store: Store,
  damage: Damage[],
  { onEvent, signal }: Context,
): Promise<Verification["images"]> {
  return runStep(onEvent, { step: "images", title: "Digest the images" }, async () => {
    const images = store.images.list();
    for (const { key, facts } of images) {
      throwIfAborted(signal);
      if (await store.images.verify(key, signal)) continue;
      damage.push({
        kind: "image",
        what: key,
        problem: `the image built from ${facts.source} is not as it was written`,
        hint: `wick rmi ${key.slice(0, 12)} removes it; the next command builds it again`,
      });
    }
    return { checked: images.length };
  });
}

function verifyNames(store: Store, damage: Damage[]): Verification["names"] {
  const names = store.names.list();
  for (const path of store.names.damaged()) {
    const hint = "remove the file; the registry is asked again when the name is used";
    damage.push({ kind: "name", what: path, problem: "its record cannot be read", hint });
  }
  for (const name of names) {
    const blobs = blobsOf(name, store.blobs);
    const missing = blobs?.filter((blob) => store.blobs.find(blob) === undefined);
    if (missing?.length === 0) continue;
    const what = missing?.map(({ digest }) => digest).join(", ") ?? name.manifestDigest;
    damage.push({
      kind: "name",
      what: name.reference,
      problem: `the store lacks ${what} of it`,
      hint: `wick pull ${name.reference} fetches what is missing`,
    });
  }
  return { checked: names.length };
}
