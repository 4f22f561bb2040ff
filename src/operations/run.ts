import { basename } from "node:path";
import { sanitise } from "../bytes/index.ts";
import { planRun, refuseCopy, type RunOptions, type RunPlan } from "../config/index.ts";
import { monotonicMs } from "../host/index.ts";
import { checkCanBoot, type Kernel, kernelCapabilities } from "../kernel/index.ts";
import { isWickError, WickError } from "../errors/index.ts";
import { ForwardedPorts, PublishedPorts } from "../relay/index.ts";
import type { MachineSpec, Vmm } from "../vmm/index.ts";
import { withAccelerator } from "./running/accelerator.ts";
import { modulesInside } from "./bundle/modules.ts";
import { callerOf } from "./common/caller.ts";
import { refuseForApp } from "./writing/app-init.ts";
import { refuseOverrides } from "./running/check-image-options.ts";
import { checkRelayed, choosePorts, publishedPorts } from "./machine/choose-ports.ts";
import type { Context } from "./common/context.ts";
import { hostKernel } from "./common/host-kernel.ts";
import { readImageFacts, type ImageFacts } from "./images/image-facts.ts";
import { RunningMachine } from "./running/machine.ts";
import { portTrial } from "./running/port-trial.ts";
import { initramfsSpec } from "./machine/initramfs-machine.ts";
import { type Parts, specOf } from "./machine/machine-spec.ts";
import { checkMountSources, prepareMounts } from "./machine/mount-drives.ts";
import { runStep } from "./common/progress.ts";
import { missingModules } from "./machine/packed-drivers.ts";
import { type BundleBoot, planForBundle } from "./running/bundle-plan.ts";
import {
  type GivenImage,
  givenImage,
  noteArchitecture,
  planForImage,
} from "./running/given-image.ts";
import { planForFile } from "./running/packed-plan.ts";
import { packedSpec } from "./machine/packed-machine.ts";
import { prepareRunFiles, type RunFiles } from "./running/run-image.ts";
import { checkPackedForm, checkVmm, kernelForVmm, vmmFor } from "./running/vmm-choice.ts";
import { withStore } from "./common/with-store.ts";
import { checkTap } from "./tap/check.ts";
import { type MachineTap, tapFor } from "./tap/machine-tap.ts";

/**
 * Builds what is not an image yet, boots it, and gives the running machine. Everything that is
 * made for the run alone lies in one private directory, which goes with the machine.
 */
export async function run(options: RunOptions, context: Context): Promise<RunningMachine> {
  const asked = planRun(options, callerOf(context));
  const { plan: whole, bundle } = await planForBundle(asked, context);
  const forFile = planForFile(whole, context);
  checkMountSources(forFile.mounts);
  const given = await givenImage(forFile, context);
  const requested = await planForImage(forFile, given, context);
  noteArchitecture(requested, asked, context);
  await checkVmm(vmmFor(requested, context), requested, context);
  await checkTap(requested, context.signal);
  const plan = await withAccelerator(requested, context);
  return withStore(context, async (store) => {
    const files = await prepareRunFiles(plan, { given: given?.path, store, context });
    let tap: MachineTap | undefined;
    const release = (): void => {
      tap?.[Symbol.dispose]();
      files[Symbol.dispose]();
    };
    try {
      const vmm = vmmFor(plan, context, store);
      tap = await tapFor(plan, store, context);
      return await start({ plan, vmm, files, given, bundle, tap, release }, context);
    } catch (error) {
      release();
      throw error;
    }
  });
}

interface Starting {
  readonly plan: RunPlan;
  readonly vmm: Vmm;
  readonly files: RunFiles;
  readonly given: GivenImage | undefined;
  readonly bundle: BundleBoot | undefined;
  readonly tap: MachineTap | undefined;
  /** Takes away what was made for the run. */
  readonly release: () => void;
}

async function start(starting: Starting, context: Context): Promise<RunningMachine> {
  const { plan, vmm, files, bundle, tap, release } = starting;
  const { directory, image } = files;
  const facts = starting.given?.facts ?? (await readImageFacts(image, context.signal));
  if (facts.isApp) refuseForApp(plan, files);
  else if (!files.isBuilt) refuseOverrides(plan, facts);
  if (plan.root === "copy" && facts.format !== "ext4") throw refuseCopy(facts.format);
  if (plan.root === "ro" && facts.format === "initramfs") throw refuseReadOnlyRoot();
  const at = { directory, imageUuid: facts.uuid };
  const kernel =
    bundle === undefined
      ? await kernelOf(plan, { image, facts, directory }, context)
      : await bundledKernel(plan, bundle, context);
  const wanted = publishedPorts(plan, facts);
  checkRelayed(plan, facts, wanted);
  const ports = await choosePorts(wanted);
  const mounts = await prepareMounts(plan.mounts, at, context);
  const parts = { plan, vmm, image, facts, kernel, ports, tap, mounts, directory };
  const spec = await specFor(parts, context);
  const startedAtMs = monotonicMs();
  const names = { step: "boot", title: "Start the machine" };
  const published = await listenFor(parts, spec);
  const machine = await runStep(context.onEvent, names, () =>
    startWith(published, () => vmm.start(spec, context.signal)),
  );
  return new RunningMachine({
    machine,
    published,
    tap: tap && { device: tap.card.device, host: tap.host, guest: tap.guest, prefix: tap.prefix },
    spec,
    commandByHand: vmm.commandByHand({ ...spec, ports: machine.ports }),
    startedAtMs,
    reports: facts.reports,
    trial: facts.reports ? undefined : portTrial(machine, tap),
    isApp: facts.isApp,
    timeoutMs: plan.timeoutMs,
    hintIfLost: hintIfLost(plan, facts),
    onWarning: (message) => context.onEvent({ type: "warning", message }),
    release,
  });
}

/** Where the VMM forwards no ports wick does. */
function listenFor(
  { ports, tap }: Parts,
  { relay }: MachineSpec,
): Promise<PublishedPorts | ForwardedPorts> | undefined {
  if (relay === true) return PublishedPorts.listen(ports);
  return tap === undefined ? undefined : ForwardedPorts.listen(ports, tap);
}

/** Ports are bound before there is a machine, and not without one. */
async function startWith<T>(
  published: PublishedPorts | ForwardedPorts | undefined,
  start: () => Promise<T>,
): Promise<T> {
  try {
    return await start();
  } catch (error) {
    await published?.close();
    throw error;
  }
}

function specFor(parts: Parts, context: Context): MachineSpec | Promise<MachineSpec> {
  const { plan, facts } = parts;
  if (facts.packed !== undefined || plan.packs) return packedSpec(parts, context);
  return facts.format === "initramfs" ? initramfsSpec(parts, context) : specOf(parts);
}

/** What to try with a machine that went away in silence. */
function hintIfLost({ kernel, modules, memoryMiB }: RunPlan, { format }: ImageFacts): string {
  const drivers = [...new Set(["virtio", format, "ext4", "overlay"])].join(", ");
  const loud = "--append loglevel=7 shows what the kernel says";
  return kernel !== undefined && modules === undefined
    ? `without --modules, a kernel must have ${drivers} built in; ${loud}`
    : `more memory than ${memoryMiB} MiB may help (-m); ${loud}`;
}

async function kernelOf(
  plan: RunPlan,
  { image, facts, directory }: Pick<Parts, "image" | "facts" | "directory">,
  context: Context,
): Promise<Kernel> {
  if (facts.packed !== undefined) {
    checkPackedForm(plan, facts.packed);
    const { form: format, arch } = facts.packed;
    const packed = { image, facts, record: facts.packed };
    const modules = await missingModules(plan, packed, context);
    return { path: image, format, arch, release: undefined, origin: image, modules };
  }
  const kernel = await hostKernel(
    {
      arch: plan.content.arch,
      kernelFile: plan.kernel,
      modulesDirectory: plan.modules,
      refresh: plan.content.refresh,
      fileSystem: rootFileSystem(plan, facts),
      devices: plan.vmm,
      balloon: plan.reservationMiB !== undefined,
    },
    context,
  );
  // The distribution's own can do all of it.
  if (plan.kernel !== undefined) await checkDecompressor(kernel, facts, context);
  return kernelForVmm(plan, kernel, { directory, context });
}

/** The bundle's own, as it is: plain, so that every VMM loads it, with the modules beside it. */
async function bundledKernel(
  { content: { arch }, reservationMiB }: RunPlan,
  { kernel: kernelFile, initrd }: BundleBoot,
  context: Context,
): Promise<Kernel> {
  const kernel = await hostKernel({ arch, kernelFile }, context);
  if (initrd === undefined) return kernel;
  const modules = await modulesInside(initrd, context.signal);
  if (reservationMiB !== undefined && !modules.some(({ name }) => name === "virtio_balloon")) {
    throw new WickError(
      "USAGE",
      "Cannot run a bundle with --memory-reservation: it brings no virtio_balloon",
      { hint: "run the image that it was made from" },
    );
  }
  return { ...kernel, modules };
}

/** Whether a kernel of the user's own unpacks the image; one that cannot be looked into may. */
async function checkDecompressor(
  { path }: Kernel,
  { initramfs }: ImageFacts,
  { signal }: Context,
): Promise<void> {
  const compression = initramfs?.compression ?? "none";
  if (compression === "none") return;
  try {
    const capabilities = await kernelCapabilities(path, { signal });
    checkCanBoot(capabilities, { name: sanitise(basename(path)), compression });
  } catch (error) {
    if (!isWickError(error, "TOOL_MISSING", "UNSUPPORTED")) throw error;
  }
}

/** Folders of the host come as drives, whatever the root is. */
function rootFileSystem({ mounts }: RunPlan, { format }: ImageFacts) {
  const hasDrives = mounts.some(({ kind }) => kind === "bind");
  return format === "initramfs" && hasDrives ? "ext4" : format;
}

function refuseReadOnlyRoot(): WickError {
  return new WickError(
    "USAGE",
    "Cannot run an initramfs with --root ro: its root is in memory and no drive",
    { hint: "--read-only makes writes to it fail" },
  );
}
