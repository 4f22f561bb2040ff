import { basename, dirname, join } from "node:path";
import { sanitise } from "../../bytes/index.ts";
import type { RunPlan } from "../../config/index.ts";
import { WickError } from "../../errors/index.ts";
import { isBundle, parseSource } from "../../sources/index.ts";
import { INITRD, kernelName, rootName } from "../bundle/layout.ts";
import {
  type BundleManifest,
  checkBundleFile,
  readBundleManifest,
} from "../bundle/read-manifest.ts";
import { refuseBuildingOptions } from "./check-image-options.ts";
import type { Context } from "../common/context.ts";

/** What of a bundle boots beside its root; absolute paths. */
export interface BundleBoot {
  readonly kernel: string;
  /** Of a root file system's: init's first stage with its modules. */
  readonly initrd: string | undefined;
}

/** The plan of a run, and the bundle that it boots. */
interface PlanWithBundle<Accel> {
  readonly plan: RunPlan<Accel>;
  readonly bundle?: BundleBoot;
}

/**
 * The plan of a run whose source is a bundle: its root becomes the source, and what the bundle
 * says of its machine holds unless the command says it. All that boots is compared with the
 * manifest first, and so is a file that lies in a bundle. USAGE, and what the comparison finds.
 */
export async function planForBundle<Accel>(
  plan: RunPlan<Accel>,
  context: Context,
): Promise<PlanWithBundle<Accel>> {
  const { kind, rest } = parseSource(plan.content.source, { cwd: context.workingDirectory });
  if (kind !== "bundle") {
    if (kind === "image") await checkInBundle(rest, context);
    if (plan.isKernelGiven) await checkInBundle(plan.kernel!, context);
    return { plan };
  }
  const manifest = readBundleManifest(rest);
  checkFits(plan, manifest);
  const { root, kernel, initrd } = partsOf(rest, manifest);
  for (const name of new Set([root, kernel, initrd]))
    await checkNamed(rest, name, manifest, context);
  const adapted = adaptedTo(plan, manifest, join(rest, root));
  if (kernel === undefined) return { plan: adapted };
  const boot = initrd === undefined ? undefined : join(rest, initrd);
  return { plan: adapted, bundle: { kernel: join(rest, kernel), initrd: boot } };
}

/** Names of what boots; a packed file is root and kernel in one. */
interface BundleParts {
  readonly root: string;
  readonly kernel: string | undefined;
  readonly initrd: string | undefined;
}

function partsOf(directory: string, { arch, files }: BundleManifest): BundleParts {
  const has = (name: string): boolean => files.some(({ path }) => path === name);
  const packed = kernelName(arch, true);
  if (has(packed)) return { root: packed, kernel: undefined, initrd: undefined };
  const kernel = kernelName(arch, false);
  const root = (["ext4", "erofs", "squashfs"] as const).map(rootName).find(has);
  if (has(kernel) && has(INITRD)) {
    return { root: root ?? INITRD, kernel, initrd: root === undefined ? undefined : INITRD };
  }
  throw new WickError(
    "CONFIG_INVALID",
    `Cannot run the bundle in ${sanitise(directory)}: its manifest names nothing that boots, wanted ${packed}, or ${kernel} and ${INITRD}`,
  );
}

function adaptedTo<Accel>(
  plan: RunPlan<Accel>,
  { arch, memoryMiB, cpus, cmdline }: BundleManifest,
  source: string,
): RunPlan<Accel> {
  return {
    ...plan,
    content: { ...plan.content, source, arch },
    memoryMiB: plan.isMemoryGiven ? plan.memoryMiB : memoryMiB,
    cpus: plan.isCpusGiven ? plan.cpus : cpus,
    append: [cmdline, plan.append].filter((words) => words !== "").join(" "),
    kernel: undefined,
  };
}

function checkFits(plan: RunPlan<unknown>, { arch }: BundleManifest): void {
  refuseBuildingOptions(plan);
  const source = sanitise(plan.content.source);
  const [option] = Object.entries({
    kernel: plan.isKernelGiven,
    modules: plan.modules !== undefined,
  })
    .filter(([, isGiven]) => isGiven)
    .map(([name]) => name);
  if (option !== undefined) {
    throw new WickError(
      "USAGE",
      `Cannot run ${source} with --${option}: the bundle has a kernel of its own, and its modules`,
      { hint: `the image in it, as ${source}/rootfs.ext4, takes another kernel` },
    );
  }
  if (plan.isPlatformGiven && plan.content.arch !== arch) {
    throw new WickError(
      "USAGE",
      `Cannot run ${source} for ${plan.content.arch}: it is for ${arch}`,
    );
  }
}

/** A file of its own is not looked at, other than for what lies beside it. */
async function checkInBundle(path: string, context: Context): Promise<void> {
  const directory = dirname(path);
  if (!isBundle(directory)) return;
  await checkNamed(directory, basename(path), readBundleManifest(directory), context);
}

/** What the manifest does not name, somebody else put there. */
async function checkNamed(
  directory: string,
  name: string | undefined,
  { files }: BundleManifest,
  { signal }: Context,
): Promise<void> {
  const file = files.find(({ path }) => path === name);
  if (file !== undefined) await checkBundleFile(directory, file, signal);
}
