import { resolve } from "node:path";
import { sanitise } from "../bytes/index.ts";
import { WickError } from "../errors/index.ts";
import { FileStorage, statOf } from "../host/index.ts";
import { checkKernel, type KernelIdentity } from "./image.ts";
import type { Kernel, KernelArch } from "./kernel.ts";
import {
  type DeviceKind,
  type LoadableModule,
  orderModules,
  type RootFileSystem,
  wantedModules,
} from "./module-order.ts";
import { modulesOfDirectory } from "./module-set.ts";

/** A kernel that the user brings along. */
export interface KernelFiles {
  readonly arch: KernelArch;
  readonly kernelFile: string;
  /** Without it the kernel must have all drivers built in. */
  readonly modulesDirectory?: string | undefined;
  readonly fileSystem: RootFileSystem;
  readonly devices: DeviceKind;
  readonly balloon?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The user's own kernel, looked at, with the modules it must load. */
export async function kernelFromFiles(files: KernelFiles): Promise<Kernel> {
  const path = resolve(files.kernelFile);
  if (statOf(path)?.isFile() !== true) {
    throw new WickError(
      "KERNEL_NOT_FOUND",
      `Cannot find the kernel ${sanitise(path)}: no such file`,
    );
  }
  const { format, release } = identityOf(path, files.arch);
  const { modulesDirectory } = files;
  const modules =
    modulesDirectory === undefined
      ? []
      : await orderModules(
          modulesAt(modulesDirectory),
          wantedModules(files.fileSystem, files.devices, files),
          files.signal,
        );
  const built = moduleRelease(modules);
  checkSameRelease({ kernel: release, modules: built, path });
  return {
    path,
    format,
    arch: files.arch,
    release: release ?? built,
    origin: path,
    modules,
  };
}

/** What the kernel at `path` is; KERNEL_INVALID when it is none for `arch`. */
export function identityOf(path: string, arch: KernelArch): KernelIdentity {
  using storage = new FileStorage(path, "read");
  return checkKernel(path, storage, arch);
}

function modulesAt(directory: string) {
  if (statOf(directory)?.isDirectory() === true) return modulesOfDirectory(directory);
  throw new WickError(
    "KERNEL_NOT_FOUND",
    `Cannot find the kernel's modules in ${sanitise(directory)}: no such directory`,
  );
}

/** The release that modules were built for: the first word of their vermagic. */
export function moduleRelease(modules: readonly LoadableModule[]): string | undefined {
  return modules[0]?.info.vermagic?.split(" ")[0];
}

function checkSameRelease(given: {
  readonly kernel: string | undefined;
  readonly modules: string | undefined;
  readonly path: string;
}): void {
  const { kernel, modules, path } = given;
  if (kernel === undefined || modules === undefined || kernel === modules) return;
  throw new WickError(
    "KERNEL_INVALID",
    `Cannot load the modules with the kernel ${sanitise(path)}: they are for ${modules}, wanted ${kernel}`,
    { hint: `give the modules of this very kernel: /lib/modules/${kernel}` },
  );
}
