import { join } from "node:path";
import type { BuildPlan, BundlePlan, PackingPlan } from "../../config/index.ts";
import { copyContents, FileStorage, OutputFile } from "../../host/index.ts";
import type { SourceContents } from "../../sources/index.ts";
import type { Store } from "../../store/index.ts";
import { buildPacked } from "../building/build-packed.ts";
import type { Context } from "../common/context.ts";
import { hostKernel } from "../common/host-kernel.ts";
import { type ImageFacts, readImageFacts } from "../images/image-facts.ts";
import { type ImageResult, resultOf, writeResult } from "../building/image-result.ts";
import { imageInStore } from "../building/keyed-image.ts";
import { initramfsParts, packedParts, rootParts, writeKernel } from "./boot-files.ts";
import { INITRD, kernelName, rootName } from "./layout.ts";
import type { BundleMachine } from "./machine.ts";
import { hasNetwork, warnOfPorts } from "./network.ts";
import { publishedFor } from "./qemu-script.ts";

/** What a bundle is made of, and where it goes. */
export interface BundleParts {
  /** New and empty. */
  readonly directory: string;
  readonly plan: BuildPlan;
  readonly bundle: BundlePlan;
  readonly store: Store | undefined;
  readonly key: string | undefined;
  readonly sources: readonly SourceContents[];
}

/** What was written: the files that boot, and the machine that does it. */
export interface WrittenContents {
  readonly result: ImageResult;
  readonly facts: ImageFacts;
  /** What the kernel is, for people: a package and its version, or a file. */
  readonly kernel: string;
  readonly machine: BundleMachine;
}

/** Writes kernel and root into the bundle's directory: apart, or packed into one file. */
export function writeContents(parts: BundleParts, context: Context): Promise<WrittenContents> {
  const { packing } = parts.plan;
  return packing === undefined ? writeApart(parts, context) : writeOne(parts, packing, context);
}

async function writeOne(
  parts: BundleParts,
  packing: PackingPlan,
  context: Context,
): Promise<WrittenContents> {
  const { directory, plan, bundle } = parts;
  const name = kernelName(plan.arch, true);
  const output = join(directory, name);
  const { result, packed } = await buildPacked({ ...plan, output }, packing, parts, context);
  const facts = await readImageFacts(output, context.signal);
  const boot = { kernel: name, ...packedParts(bundle, packed.record, context) };
  const network = await hasNetwork(facts, output, context);
  const machine = machineOf(parts, facts, { ...boot, hasNetwork: network });
  return finished({ result, facts, kernel: packed.kernel, machine }, context);
}

async function writeApart(parts: BundleParts, context: Context): Promise<WrittenContents> {
  const { directory, plan, bundle } = parts;
  const { format } = plan;
  const name = format === "initramfs" ? INITRD : rootName(format);
  const image = join(directory, name);
  const result = await writeImageTo(image, parts, context);
  const facts = await readImageFacts(image, context.signal);
  const kernel = await hostKernel(
    {
      arch: plan.arch,
      kernelFile: bundle.kernel,
      modulesDirectory: bundle.modules,
      refresh: plan.refresh,
      fileSystem: format,
      devices: "any",
    },
    context,
  );
  const at = { directory, bundle, facts, kernel };
  const boot =
    format === "initramfs" ? await initramfsParts(at, context) : rootParts(at, name, plan.arch);
  const kernelFile = kernelName(plan.arch, false);
  await writeKernel(kernel, join(directory, kernelFile), context);
  const network = await hasNetwork(facts, kernel.path, context);
  const machine = machineOf(parts, facts, { kernel: kernelFile, ...boot, hasNetwork: network });
  return finished({ result, facts, kernel: kernel.origin, machine }, context);
}

function finished(written: WrittenContents, context: Context): WrittenContents {
  warnOfPorts(written.machine, context);
  return written;
}

type Boot = Pick<BundleMachine, "kernel" | "initrd" | "root" | "memoryMiB" | "last" | "hasNetwork">;

function machineOf({ plan, bundle }: BundleParts, facts: ImageFacts, boot: Boot): BundleMachine {
  const ports = publishedFor(Object.keys(facts.config?.ExposedPorts ?? {}));
  return { arch: plan.arch, cpus: bundle.cpus, append: [bundle.append], ports, ...boot };
}

/** From the store, where it is kept for the next time; else made in its place. */
async function writeImageTo(
  path: string,
  { plan, store, key, sources }: BundleParts,
  context: Context,
): Promise<ImageResult> {
  using output = new OutputFile(path);
  const result = await fill();
  output.finish({ mode: 0o666 });
  return result;

  async function fill(): Promise<ImageResult> {
    if (store === undefined || key === undefined) {
      using storage = new FileStorage(path, "update");
      return await writeResult(plan, sources, storage, context);
    }
    const { stored, made } = await imageInStore({ store, key, plan, sources }, context);
    using _ = stored;
    await copyContents(stored.path, path, context.signal);
    return resultOf(stored.facts, made === "new" ? undefined : context);
  }
}
