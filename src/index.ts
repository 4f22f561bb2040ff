/**
 * wick as a library: build a root file system from an application, boot it, look into it.
 * Everything takes a {@link Context}; nothing prints, exits, or reads clock or environment.
 *
 * Operations are loaded when they are first called: whoever asks for help, or only looks into
 * an image, does not wait for kernels, package lists and virtual machine monitors.
 */
import type { BuildOptions, RunOptions } from "./config/index.ts";
import type { BuildResult } from "./operations/build.ts";
import type { CheckOptions, CheckResult } from "./operations/check.ts";
import type { Finding } from "./operations/checking/finding.ts";
import type { DoctorResult } from "./operations/doctor/doctor.ts";
import type { Context } from "./operations/common/context.ts";
import type { RunningMachine } from "./operations/running/machine.ts";
import type { OpenedImage } from "./operations/open-image.ts";
import type { LoginOptions, LoginResult, LogoutResult } from "./operations/login.ts";
import type { ImageList, ImageRow } from "./operations/images.ts";
import type { ImportedKernel, ImportKernelOptions } from "./operations/import-kernel.ts";
import type { Packed, PackOptions } from "./operations/pack.ts";
import type { UnpackOptions } from "./operations/unpack.ts";
import type { InspectKernelOptions } from "./operations/kernels.ts";
import type { KernelCapabilities, ListedKernel, PackRecord } from "./kernel/index.ts";
import type { PruneOptions } from "./operations/prune.ts";
import type { Removed, RemoveOptions } from "./operations/rmi.ts";
import type { Damage, Verification } from "./operations/verify-store.ts";
import type { PullOptions, PullResult } from "./operations/pull.ts";

export { errorCodes, isWickError, WickError, type ErrorCode } from "./errors/index.ts";
export { buildFormats, imageFormats } from "./config/image-formats.ts";
export { accelerators } from "./config/accelerators.ts";
export { initKinds } from "./config/init-kinds.ts";
export { pullPolicies } from "./config/pull-policies.ts";
export { isLookingUpNames } from "./host/http/lookups.ts";
export { shellLine } from "./vmm/shell-line.ts";
export type { FinalReport } from "./guest/index.ts";
export type { MachineExit, StopOptions, TapNetwork } from "./operations/running/machine.ts";
export type { Inspection } from "./operations/images/inspect.ts";
export type { ListedNode } from "./operations/open-image.ts";
export type { ProgressEvent, ProgressListener } from "./operations/common/progress.ts";
export type { TimelinePoint } from "./operations/running/timeline.ts";
export type { LoginOptions, LoginResult, LogoutResult, PullOptions, PullResult };
export type { Damage, ImageList, ImageRow, PruneOptions, Removed, RemoveOptions, Verification };
export type { ImportedKernel, ImportKernelOptions, InspectKernelOptions };
export type { Packed, PackOptions, PackRecord, UnpackOptions };
export type { KernelCapabilities, ListedKernel };
export type { CheckOptions, CheckResult, Finding };
export type { DoctorLine, DoctorState } from "./operations/doctor/line.ts";
export type { DoctorResult };
export type { BuildOptions, BuildResult, Context, OpenedImage, RunningMachine, RunOptions };

/**
 * Makes a root file system from an application. The file is whole or absent: on any error a
 * former one at `options.output` stays as it was.
 */
export async function build(options: BuildOptions, context: Context): Promise<BuildResult> {
  await warmUpFor(options.source);
  const operation = await import("./operations/build.ts");
  return operation.build(options, context);
}

/** Builds what is not an image yet, boots it, and gives the running machine. */
export async function run(options: RunOptions, context: Context): Promise<RunningMachine> {
  const operation = await import("./operations/run.ts");
  return operation.run(options, context);
}

/** Looks for what an application will miss in its machine; nothing is started. */
export async function check(options: CheckOptions, context: Context): Promise<CheckResult> {
  const operation = await import("./operations/check.ts");
  return operation.check(options, context);
}

/** Opens an image file to look into; IMAGE_INVALID when it is none that wick knows. */
export async function openImage(path: string, context: Context): Promise<OpenedImage> {
  const operation = await import("./operations/open-image.ts");
  return operation.openImage(path, context);
}

/** Brings an image of a registry into the store; asks the registry even for what is here. */
export async function pull(options: PullOptions, context: Context): Promise<PullResult> {
  const operation = await import("./operations/pull.ts");
  return operation.pull(options, context);
}

/** Lists what the store holds. */
export async function listImages(context: Context): Promise<ImageList> {
  const operation = await import("./operations/images.ts");
  return operation.listImages(context);
}

/** Removes a name, what was built from it, and blobs that no other name needs. */
export async function removeImage(options: RemoveOptions, context: Context): Promise<Removed> {
  const operation = await import("./operations/rmi.ts");
  return operation.removeImage(options, context);
}

/** Removes what nothing needs; nothing that a machine boots from goes. */
export async function prune(options: PruneOptions, context: Context): Promise<Removed> {
  const operation = await import("./operations/prune.ts");
  return operation.prune(options, context);
}

/** Digests everything in the store anew, and looks whether names have all they need. */
export async function verifyStore(context: Context): Promise<Verification> {
  const operation = await import("./operations/verify-store.ts");
  return operation.verifyStore(context);
}

/** Shows a user and password to a registry and keeps them where Docker would. */
export async function login(options: LoginOptions, context: Context): Promise<LoginResult> {
  const operation = await import("./operations/login.ts");
  return operation.login(options, context);
}

/** Forgets what is kept for a registry. */
export async function logout(registry: string, context: Context): Promise<LogoutResult> {
  const operation = await import("./operations/login.ts");
  return operation.logout(registry, context);
}

/** Takes the plain kernel out of a compressed one: what Firecracker and Cloud Hypervisor load. */
export async function importKernel(
  options: ImportKernelOptions,
  context: Context,
): Promise<ImportedKernel> {
  const operation = await import("./operations/import-kernel.ts");
  return operation.importKernel(options, context);
}

/** Packs a kernel and its initramfs into one file that boots. */
export async function pack(options: PackOptions, context: Context): Promise<Packed> {
  const operation = await import("./operations/pack.ts");
  return operation.pack(options, context);
}

/** Takes a packed file apart. */
export async function unpack(options: UnpackOptions, context: Context): Promise<PackRecord> {
  const operation = await import("./operations/unpack.ts");
  return operation.unpack(options, context);
}

/** Lists the kernels in the cache. */
export async function listKernels(context: Context): Promise<readonly ListedKernel[]> {
  const operation = await import("./operations/kernels.ts");
  return operation.kernels(context);
}

/** What a kernel's file is and can do, and what says so. */
export async function inspectKernel(
  options: InspectKernelOptions,
  context: Context,
): Promise<KernelCapabilities> {
  const operation = await import("./operations/kernels.ts");
  return operation.inspectKernel(options, context);
}

/** Looks at what wick needs of this host, and runs a guest under its KVM; changes nothing. */
export async function doctor(context: Context): Promise<DoctorResult> {
  const operation = await import("./operations/doctor/doctor.ts");
  return operation.doctor(context);
}

/** wick's own version. */
export async function version(): Promise<string> {
  const operation = await import("./operations/common/version.ts");
  return operation.version;
}

/** Packages and directories bring nothing that wick itself inflates. */
const NEVER_INFLATED = /^(deb|dir):/;

/** A worker takes as long to load as the operation does: it begins before, and loads beside it. */
async function warmUpFor(source: string): Promise<void> {
  if (NEVER_INFLATED.test(source)) return;
  const { warmUp } = await import("./compression/inflate-pool.ts");
  warmUp();
}
