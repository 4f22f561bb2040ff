import { dirname } from "node:path";
import type { ContentPlan } from "../../config/index.ts";
import { isWickError } from "../../errors/index.ts";
import {
  bootId,
  canReflink,
  checkOutput,
  copyContents,
  publish,
  type FileStorage,
} from "../../host/index.ts";
import type { SourceContents } from "../../sources/index.ts";
import type { ImageFacts, MakeOptions, Place, Store, StoredImage } from "../../store/index.ts";
import type { Context } from "../common/context.ts";
import { serves, writeFacts } from "./image-result.ts";
import { runStep } from "../common/progress.ts";

/** An image that the store may know already. */
export interface KeyedImage {
  readonly store: Store;
  readonly key: string;
  readonly plan: ContentPlan;
  readonly sources: readonly SourceContents[];
}

/** How an image came to be. */
export type Made = "new" | "copied" | "unchanged";

/** The facts of an image, and how it came to be. */
export interface MadeImage {
  readonly facts: ImageFacts;
  readonly made: Made;
}

/** The image in the store, made or copied from an output of the user's where it is not there. */
export async function imageInStore(
  image: KeyedImage,
  context: Context,
): Promise<{ readonly stored: StoredImage; readonly made: Made }> {
  const { store, key } = image;
  let made: Made = "unchanged";
  const write = async (storage: FileStorage): Promise<ImageFacts> => {
    const filled = await fill(image, storage, { place: store.places.find(key), context });
    made = filled.made;
    return filled.facts;
  };
  const stored = await store.images.make(key, write, waiting(context));
  return { stored, made };
}

/**
 * Puts the image at `path` (absolute): cloned or copied where one is there already, else made. A
 * file system that shares blocks gets it through the store; on another one it is written once,
 * to the output, and the store remembers where that is.
 */
export async function imageAt(
  image: KeyedImage,
  path: string,
  context: Context,
): Promise<MadeImage> {
  const { store, key, plan } = image;
  const target = checkOutput(path);
  const there = store.places.find(key, target);
  if (there?.path === target && serves(plan, there.facts)) {
    return { facts: there.facts, made: "unchanged" };
  }
  const isShared = canReflink(store.layout.tmp, dirname(target));
  const inStore = isShared ? await imageInStore(image, context) : undefined;
  using stored = inStore?.stored ?? (await store.images.find(key, context.signal));
  const { facts, made } = await publishImage(image, { path, from: stored, context });
  await store.places.add(key, { path: target, facts, lasts: mustLast({ made }) });
  return { facts, made: inStore?.made === "new" ? "new" : made };
}

/** A copy is made again in no time: the disk is waited for no more than by cp(1). */
function mustLast({ made }: Pick<MadeImage, "made">): boolean {
  return made !== "copied" || bootId() === undefined;
}

interface Output {
  readonly path: string;
  readonly from: StoredImage | undefined;
  readonly context: Context;
}

async function publishImage(
  image: KeyedImage,
  { path, from, context }: Output,
): Promise<MadeImage> {
  const { store, key } = image;
  const claim = (temporary: string): Promise<Disposable> => store.claim(temporary);
  // Of several that want it at once one writes it; the others copy that.
  const alone = from === undefined ? await store.images.lockKey(key, waiting(context)) : undefined;
  try {
    const whole = from && { path: from.path, facts: from.facts, isUntouched: () => true };
    const place = whole ?? store.places.find(key);
    const write = (storage: FileStorage): Promise<MadeImage> =>
      fill(image, storage, { place, context });
    return await publish(path, write, { claim, mustLast });
  } finally {
    alone?.[Symbol.dispose]();
  }
}

interface Filling {
  /** A whole image to copy, if there is one. */
  readonly place: Place | undefined;
  readonly context: Context;
}

async function fill(
  image: KeyedImage,
  storage: FileStorage,
  { place, context }: Filling,
): Promise<MadeImage> {
  const { key, plan, sources } = image;
  if (place !== undefined && serves(plan, place.facts)) {
    const names = { step: "copy", title: "Copy the image that was built before" };
    const isCopied = await runStep(context.onEvent, names, () => copied(place, storage, context));
    if (isCopied) return { facts: place.facts, made: "copied" };
    storage.setSize(0);
  }
  return { facts: await writeFacts(key, plan, sources, { storage, context }), made: "new" };
}

/** False when it went away or was written meanwhile: it is made anew then. */
async function copied(place: Place, storage: FileStorage, { signal }: Context): Promise<boolean> {
  try {
    await storage.remake((path) => copyContents(place.path, path, signal));
  } catch (error) {
    if (isWickError(error, "INTERRUPTED", "DISK_FULL")) throw error;
    return false;
  }
  return place.isUntouched();
}

function waiting({ signal, onEvent }: Context): MakeOptions {
  const message = "another wick command is making the same image: waiting for it";
  return { signal, onWait: () => onEvent({ type: "note", message }) };
}
