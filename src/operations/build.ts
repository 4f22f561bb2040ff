import { LIST_FORMAT, planBuild, type BuildOptions, type BuildPlan } from "../config/index.ts";
import { allocatedBytes, checkOutput, publish } from "../host/index.ts";
import type { Store } from "../store/index.ts";
import { buildList } from "./building/build-list.ts";
import { buildBundle, type BundleResult } from "./bundle/build-bundle.ts";
import { buildPacked, type PackedResult } from "./building/build-packed.ts";
import { callerOf } from "./common/caller.ts";
import type { Context } from "./common/context.ts";
import { withHealing } from "./common/healing.ts";
import { imageKey } from "./building/image-key.ts";
import { resultOf, writeResult, type ImageResult } from "./building/image-result.ts";
import { imageAt, type Made } from "./building/keyed-image.ts";
import { openSources } from "./common/open-sources.ts";
import { withStore } from "./common/with-store.ts";
import type { TreeFacts } from "./writing/tree-facts.ts";

/** What `build` made. */
export interface BuildResult {
  /** Absolute path of the image, or of the directory with a list or a bundle. */
  readonly path: string;
  readonly format: BuildPlan["outputFormat"];
  /** `new`; `copied` from an image that was built before; `unchanged`: it was there already. */
  readonly made: Made;
  readonly image: {
    /** Size of the file; what holds nothing is a hole. */
    readonly sizeBytes: number;
    /** What the file takes on the host's disk. */
    readonly usedBytes: number;
    readonly inodes: number;
    /** Absent where the format has none. */
    readonly uuid?: string;
  };
  readonly tree: TreeFacts;
  /** Packages or files that it was made from. */
  readonly parts: readonly { readonly name: string; readonly sizeBytes: number }[];
  readonly application: { readonly argv: readonly string[] | undefined };
  /** With the format `kernel`: what it was packed into, and how that boots. */
  readonly packed?: PackedResult;
  /** With `bundle`: what lies in it. */
  readonly bundle?: BundleResult;
}

/**
 * Makes a root file system from an application. The file is whole or absent: on any error a
 * former one at `options.output` stays as it was.
 */
export async function build(options: BuildOptions, context: Context): Promise<BuildResult> {
  const plan = planBuild(options, callerOf(context));
  const { result, made, usedBytes, packed, bundle } = await makeOutput(plan, context);
  const { image, tree, parts, argv } = result;
  return {
    path: plan.output,
    format: plan.outputFormat,
    made,
    image: { ...image, usedBytes },
    tree,
    parts,
    application: { argv },
    ...(packed === undefined ? {} : { packed }),
    ...(bundle === undefined ? {} : { bundle }),
  };
}

interface MadeOutput {
  readonly result: ImageResult;
  readonly made: Made;
  readonly usedBytes: number;
  readonly packed?: PackedResult;
  readonly bundle?: BundleResult;
}

async function makeOutput(plan: BuildPlan, context: Context): Promise<MadeOutput> {
  if (plan.bundle !== undefined)
    return { ...(await buildBundle(plan, plan.bundle, context)), made: "new" };
  if (plan.outputFormat === LIST_FORMAT)
    return { ...(await buildList(plan, context)), made: "new" };
  checkOutput(plan.output);
  const made = await make(plan, context);
  return { ...made, usedBytes: allocatedBytes(plan.output) };
}

function make(plan: BuildPlan, context: Context): Promise<Omit<MadeOutput, "usedBytes">> {
  return withStore(context, (store) =>
    withHealing(store, context, () => makeOnce(plan, store, context)),
  );
}

async function makeOnce(
  plan: BuildPlan,
  store: Store | undefined,
  context: Context,
): Promise<Omit<MadeOutput, "usedBytes">> {
  using opened = await openSources(plan, store, context);
  const { sources } = opened;
  const key = store && (await imageKey(plan, sources, context.signal));
  if (plan.packing !== undefined) {
    const made = await buildPacked(plan, plan.packing, { store, key, sources }, context);
    return { ...made, made: "new" };
  }
  if (store !== undefined && key !== undefined) {
    const { facts, made } = await imageAt({ store, key, plan, sources }, plan.output, context);
    const isTold = made === "new";
    return { result: resultOf(facts, isTold ? undefined : context), made };
  }
  const result = await publish(
    plan.output,
    (storage) => writeResult(plan, sources, storage, context),
    { claim: store && ((temporary) => store.claim(temporary)) },
  );
  return { result, made: "new" };
}
