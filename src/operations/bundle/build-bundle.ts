import { join } from "node:path";
import type { BuildPlan, BundlePlan } from "../../config/index.ts";
import { checkOutputDirectory, OutputFile, publishDirectory } from "../../host/index.ts";
import { utf8 } from "../../bytes/index.ts";
import type { Store } from "../../store/index.ts";
import type { Context } from "../common/context.ts";
import { withHealing } from "../common/healing.ts";
import { imageKey } from "../building/image-key.ts";
import type { ImageResult } from "../building/image-result.ts";
import { openSources } from "../common/open-sources.ts";
import { withStore } from "../common/with-store.ts";
import { writeContents } from "./contents.ts";
import { firecrackerConfig } from "./firecracker.ts";
import { bundleNames, FIRECRACKER, FIRECRACKER_NET, MANIFEST, QEMU, README } from "./layout.ts";
import type { BundleMachine } from "./machine.ts";
import { type BundleFile, filesOf, manifestText } from "./manifest.ts";
import { qemuScript } from "./qemu-script.ts";
import { readmeText } from "./readme.ts";

/** What a bundle holds. */
export interface BundleResult {
  /** What the kernel is, for people: a package and its version, or a file. */
  readonly kernel: string;
  readonly memoryMiB: number;
  readonly cpus: number;
  /** Without a network in the machine there is no configuration with one. */
  readonly hasNetwork: boolean;
  /** All files but the manifest, by name. */
  readonly files: readonly BundleFile[];
}

/** A bundle that was made, and the image in it. */
export interface MadeBundle {
  readonly result: ImageResult;
  readonly usedBytes: number;
  readonly bundle: BundleResult;
}

/** Permission bits of the directory and of the script, less the user's umask. */
const EXECUTABLE = 0o777;

/**
 * Makes the directory of a bundle: kernel, root, and how Firecracker and QEMU boot them with
 * nothing of wick's running. Whole or absent; a former bundle is replaced, anything else refused.
 */
export async function buildBundle(
  plan: BuildPlan,
  bundle: BundlePlan,
  context: Context,
): Promise<MadeBundle> {
  checkOutputDirectory(plan.output, { names: bundleNames, mark: MANIFEST, option: "--bundle" });
  return withStore(context, (store) =>
    withHealing(store, context, () => makeOnce(plan, { bundle, store }, context)),
  );
}

async function makeOnce(
  plan: BuildPlan,
  { bundle, store }: { readonly bundle: BundlePlan; readonly store: Store | undefined },
  context: Context,
): Promise<MadeBundle> {
  using opened = await openSources(plan, store, context);
  const { sources } = opened;
  const key = store && (await imageKey(plan, sources, context.signal));
  const claim = store && ((temporary: string) => store.claim(temporary));
  const fill = (directory: string): Promise<MadeBundle> =>
    writeBundle({ directory, plan, bundle, store, key, sources }, context);
  return publishDirectory(plan.output, fill, { mode: EXECUTABLE, claim });
}

async function writeBundle(
  parts: Parameters<typeof writeContents>[0],
  context: Context,
): Promise<MadeBundle> {
  const { directory } = parts;
  const written = await writeContents(parts, context);
  const { result, kernel, machine } = written;
  writeTexts(directory, machine);
  const files = await filesOf(directory, context.signal);
  writeText(join(directory, MANIFEST), manifestText(written, files));
  const usedBytes = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const { memoryMiB, cpus, hasNetwork } = machine;
  return { result, usedBytes, bundle: { kernel, memoryMiB, cpus, hasNetwork, files } };
}

function writeTexts(directory: string, machine: BundleMachine): void {
  const at = (name: string): string => join(directory, name);
  writeText(at(FIRECRACKER), firecrackerConfig(machine, { network: false }));
  if (machine.hasNetwork) {
    writeText(at(FIRECRACKER_NET), firecrackerConfig(machine, { network: true }));
  }
  writeText(at(QEMU), qemuScript(machine), EXECUTABLE);
  writeText(at(README), readmeText(machine));
}

function writeText(path: string, text: string, mode = 0o666): void {
  using output = new OutputFile(path);
  output.write(utf8(text));
  output.finish({ mode });
}
