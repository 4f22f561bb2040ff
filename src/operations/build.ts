import { uuidText } from "../bytes/index.ts";
import { planBuild, type BuildOptions, type BuildPlan } from "../config/index.ts";
import { allocatedBytes, publish } from "../host/index.ts";
import { callerOf } from "./caller.ts";
import type { Context } from "./context.ts";
import type { TreeFacts } from "./tree-facts.ts";
import { writeImage } from "./write-image.ts";

/** What `build` made. */
export interface BuildResult {
  /** Absolute path of the image. */
  readonly path: string;
  readonly format: BuildPlan["format"];
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
}

/**
 * Makes a root file system from an application. The file is whole or absent: on any error a
 * former one at `options.output` stays as it was.
 */
export async function build(options: BuildOptions, context: Context): Promise<BuildResult> {
  const plan = planBuild(options, callerOf(context));
  const written = await publish(plan.output, (storage) => writeImage(plan, storage, context));
  const { image, tree, parts, installed } = written;
  return {
    path: plan.output,
    format: plan.format,
    image: {
      sizeBytes: image.sizeBytes,
      usedBytes: allocatedBytes(plan.output),
      inodes: image.inodes,
      ...(image.uuid === undefined ? {} : { uuid: uuidText(image.uuid) }),
    },
    tree,
    parts,
    application: { argv: installed.argv },
  };
}
