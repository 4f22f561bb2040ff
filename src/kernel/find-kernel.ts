import { readSmallFile } from "../host/index.ts";
import { parseOsRelease } from "./distribution.ts";
import { kernelFromFiles } from "./from-files.ts";
import { kernelFromPackages } from "./from-packages.ts";
import type { DeviceKind, RootFileSystem } from "./module-order.ts";
import type { Kernel, KernelArch, KernelPackages } from "./kernel.ts";

/** Which kernel is wanted: the user's own file, or the distribution's. */
export interface FindKernelOptions {
  readonly arch: KernelArch;
  /** The user's own kernel; packages are then not asked. */
  readonly kernelFile?: string | undefined;
  /** Its modules: /lib/modules/RELEASE or any tree of .ko files. */
  readonly modulesDirectory?: string | undefined;
  /** wick's cache; kernels lie below its `kernels/`. */
  readonly cacheDirectory: string;
  readonly packages: KernelPackages;
  /** Where the root lies (ext4): its driver is among the modules. */
  readonly fileSystem?: RootFileSystem;
  /** Whose devices the machine has (QEMU's): their drivers are among the modules. */
  readonly devices?: DeviceKind | undefined;
  /** Whether it has a balloon, too. */
  readonly balloon?: boolean | undefined;
  /** Asks the distribution for a newer one although the cache has one. */
  readonly refresh?: boolean;
  /** os-release(5) of the host; `/etc/os-release` by default. */
  readonly osReleaseFile?: string;
  readonly signal?: AbortSignal | undefined;
}

/**
 * A kernel that can boot a machine of `arch`, with its modules in load order.
 * Errors: KERNEL_NOT_FOUND, KERNEL_INVALID, and those of the packages.
 */
export function findKernel(options: FindKernelOptions): Promise<Kernel> {
  const {
    arch,
    kernelFile,
    modulesDirectory,
    fileSystem = "ext4",
    devices = "qemu",
    balloon,
    signal,
  } = options;
  if (kernelFile !== undefined) {
    return kernelFromFiles({
      arch,
      kernelFile,
      modulesDirectory,
      fileSystem,
      devices,
      balloon,
      signal,
    });
  }
  const osRelease = readSmallFile(options.osReleaseFile ?? "/etc/os-release");
  const distribution = parseOsRelease(new TextDecoder().decode(osRelease));
  return kernelFromPackages({ ...options, distribution, fileSystem, devices });
}
