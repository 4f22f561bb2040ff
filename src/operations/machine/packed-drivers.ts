import { basename } from "node:path";
import { sanitise, storageOf } from "../../bytes/index.ts";
import type { RunPlan } from "../../config/index.ts";
import { WickError } from "../../errors/index.ts";
import { decodeRecords, type InitRecords } from "../../guest/index.ts";
import { FileStorage, wickDirectories } from "../../host/index.ts";
import {
  capabilitiesOf,
  type FeatureName,
  type Kernel,
  type KernelCapabilities,
  listKernels,
  type PackRecord,
  unpackKernel,
} from "../../kernel/index.ts";
import type { Context } from "../common/context.ts";
import { hostKernel } from "../common/host-kernel.ts";
import type { ImageFacts } from "../images/image-facts.ts";
import { packedKernel } from "../packed/packed-file.ts";

/** A driver of the machine's devices: what tells that it is built in, and its module. */
interface Driver {
  readonly feature: FeatureName;
  readonly module: string;
}

const drivers = {
  pci: { feature: "virtioPci", module: "virtio_pci" },
  mmio: { feature: "virtioMmio", module: "virtio_mmio" },
  channel: { feature: "virtioConsole", module: "virtio_console" },
  vsock: { feature: "vsock", module: "vmw_vsock_virtio_transport" },
  network: { feature: "virtioNet", module: "virtio_net" },
  drive: { feature: "virtioBlk", module: "virtio_blk" },
  balloon: { feature: "virtioBalloon", module: "virtio_balloon" },
} as const satisfies Readonly<Record<string, Driver>>;

/** The file of a run, and what is known of it. */
interface PackedImage {
  readonly image: string;
  readonly facts: ImageFacts;
  readonly record: PackRecord;
}

/** What wick's init loads by itself in a packed file. */
export function ownBootRecords({ initramfs }: ImageFacts): InitRecords {
  const bytes = initramfs?.bootRecords;
  return bytes === undefined ? {} : decodeRecords(bytes);
}

/**
 * Modules that this run's devices need and that the packed file has not: those of `--modules`,
 * or the distribution's own where the kernel in the file is its kernel. KERNEL_INVALID when there
 * are none.
 */
export async function missingModules(
  plan: RunPlan,
  packed: PackedImage,
  context: Context,
): Promise<Kernel["modules"]> {
  // Another init than wick's loads what it was made for.
  if (!packed.facts.reports) return [];
  const brought = new Set(
    (ownBootRecords(packed.facts).modules ?? []).map((path) => basename(path).replace(/\..*$/, "")),
  );
  const wanted = driversOf(plan).filter(({ module }) => !brought.has(module));
  if (wanted.length === 0) return [];
  const kernel = await capabilitiesInside(packed, context);
  const missing = wanted.filter(({ feature }) => kernel.features[feature].value !== true);
  if (missing.length === 0) return [];
  const found = await modulesFor(plan, { ...packed, release: kernel.release }, context);
  if (found === undefined) throw noModules(plan, kernel, missing);
  return found.filter(({ name }) => !brought.has(name));
}

function driversOf({ vmm, network, mounts, accel, content, reservationMiB }: RunPlan): Driver[] {
  const isFirecracker = vmm === "firecracker";
  const isMicrovm = isFirecracker || (accel === "kvm" && content.arch === "x86_64");
  return [
    isMicrovm ? drivers.mmio : drivers.pci,
    isFirecracker ? drivers.vsock : drivers.channel,
    ...(network === "user" || network === "tap" ? [drivers.network] : []),
    ...(hasDrives(mounts) ? [drivers.drive] : []),
    ...(reservationMiB === undefined ? [] : [drivers.balloon]),
  ];
}

function hasDrives(mounts: RunPlan["mounts"]): boolean {
  return mounts.some(({ kind }) => kind === "bind");
}

async function capabilitiesInside(
  { image, record }: PackedImage,
  { signal }: Context,
): Promise<KernelCapabilities> {
  using storage = new FileStorage(image, "read");
  const options = { name: sanitise(basename(image)), signal };
  const kernel = packedKernel(storage, record, options);
  return capabilitiesOf(await unpackKernel(storageOf(kernel), options));
}

async function modulesFor(
  { vmm: devices, modules, mounts, reservationMiB }: RunPlan,
  { image, record, release }: PackedImage & { readonly release: string | undefined },
  context: Context,
): Promise<Kernel["modules"] | undefined> {
  const { arch } = record;
  const fileSystem = hasDrives(mounts) ? "ext4" : "initramfs";
  const balloon = reservationMiB !== undefined;
  if (modules !== undefined) {
    const given = { kernelFile: image, modulesDirectory: modules };
    return (await hostKernel({ arch, fileSystem, devices, balloon, ...given }, context)).modules;
  }
  const kept = listKernels(wickDirectories(context.environment).cache);
  if (!kept.some((one) => one.arch === arch && one.release === release)) return undefined;
  const own = await hostKernel({ arch, fileSystem, devices, balloon }, context);
  return own.release === release ? own.modules : undefined;
}

function noModules(
  { content }: RunPlan,
  { release = "of unknown release" }: KernelCapabilities,
  missing: readonly Driver[],
): WickError {
  const names = missing.map(({ module }) => module).join(", ");
  return new WickError(
    "KERNEL_INVALID",
    `Cannot run ${sanitise(content.source)}: its kernel ${sanitise(release)} has no ${names} built in, and its initramfs brings no such modules`,
    {
      hint: "--modules DIR gives them to this run; wick kernel import --initramfs FILE writes those of a kernel, to be packed along",
    },
  );
}
