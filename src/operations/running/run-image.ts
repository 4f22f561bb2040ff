import { join } from "node:path";
import type { RunPlan } from "../../config/index.ts";
import {
  FileStorage,
  guardedDirectory,
  removePath,
  type TemporaryDirectory,
} from "../../host/index.ts";
import type { Store } from "../../store/index.ts";
import type { Context } from "../common/context.ts";
import { withHealing } from "../common/healing.ts";
import { imageKey } from "../building/image-key.ts";
import { resultOf, writeResult } from "../building/image-result.ts";
import { keptDirectory } from "./kept-directory.ts";
import { imageAt, imageInStore, type KeyedImage } from "../building/keyed-image.ts";
import { openSources } from "../common/open-sources.ts";

/** What lies on the host for one run, until it is disposed. */
export interface RunFiles extends Disposable {
  /** The run's own directory. */
  readonly directory: string;
  readonly image: string;
  /** Whether the image was built for this run, with its options. */
  readonly isBuilt: boolean;
}

/** What the run's files are made with. */
interface Making {
  /** The user's own image. */
  readonly given: string | undefined;
  readonly store: Store | undefined;
  readonly context: Context;
}

/** Makes the run's directory and the image to boot: the user's own, or one that is built. */
export async function prepareRunFiles(
  plan: RunPlan,
  { given, store, context }: Making,
): Promise<RunFiles> {
  const directory = await runDirectory(plan, store);
  try {
    const surroundings = { directory: directory.path, store, context };
    const image =
      given === undefined
        ? await withHealing(store, context, () => builtImage(plan, surroundings))
        : { path: given, isBuilt: false };
    return {
      ...image,
      directory: directory.path,
      image: image.path,
      [Symbol.dispose]() {
        directory[Symbol.dispose]();
        image.lock?.[Symbol.dispose]();
      },
    };
  } catch (error) {
    directory[Symbol.dispose]();
    throw error;
  }
}

/** A private directory: a janitor removes it should this process be killed, else the next command. */
async function runDirectory(plan: RunPlan, store: Store | undefined): Promise<TemporaryDirectory> {
  if (plan.directory !== undefined) return keptDirectory(plan.directory);
  const directory = guardedDirectory("run");
  try {
    const claim = await store?.claim(directory.path);
    return {
      path: directory.path,
      [Symbol.dispose]() {
        directory[Symbol.dispose]();
        claim?.[Symbol.dispose]();
      },
    };
  } catch (error) {
    directory[Symbol.dispose]();
    throw error;
  }
}

interface Surroundings {
  readonly directory: string;
  readonly store: Store | undefined;
  readonly context: Context;
}

interface BootImage {
  readonly path: string;
  readonly isBuilt: boolean;
  /** Keeps the image in the store while the machine runs from it. */
  readonly lock?: Disposable;
}

async function builtImage(
  plan: RunPlan,
  { directory, store, context }: Surroundings,
): Promise<BootImage> {
  const content = plan.content;
  using opened = await openSources(content, store, context);
  const { sources } = opened;
  const key = store && (await imageKey(content, sources, context.signal));
  if (store !== undefined && key !== undefined) {
    return await keptImage({ store, key, plan: content, sources }, plan, { directory, context });
  }
  const path = join(directory, `root.${content.format}`);
  // A first attempt may have left its own.
  removePath(path);
  using storage = new FileStorage(path, "create");
  await writeResult(content, sources, storage, context);
  return { path, isBuilt: true };
}

/** The store's image itself, which no machine writes; a directory of the user's gets its own. */
async function keptImage(
  image: KeyedImage,
  plan: RunPlan,
  { directory, context }: { readonly directory: string; readonly context: Context },
): Promise<BootImage> {
  if (plan.directory !== undefined) {
    const path = join(directory, `root.${plan.content.format}`);
    const { facts, made } = await imageAt(image, path, context);
    resultOf(facts, made === "new" ? undefined : context);
    return { path, isBuilt: true };
  }
  const { stored, made } = await imageInStore(image, context);
  resultOf(stored.facts, made === "new" ? undefined : context);
  return { path: stored.path, isBuilt: true, lock: stored };
}
