import { WickError } from "../errors/index.ts";
import { guardedDirectory, readSmallFile } from "../host/index.ts";
import { type CachedKernel, cachedKernel, storeKernel } from "./cache.ts";
import { debianArch, type Distribution, kernelPackage } from "./distribution.ts";
import { identityOf } from "./from-files.ts";
import type { Kernel, KernelArch, KernelPackageFile, KernelPackages } from "./kernel.ts";
import {
  type DeviceKind,
  keptModules,
  orderModules,
  type RootFileSystem,
  wantedModules,
} from "./module-order.ts";
import { selectModules } from "./module-selection.ts";
import { KernelUnpacker } from "./unpack-package.ts";

/** Packages that hold a kernel or modules. What else they depend on is for an installed system. */
const isKernelPackage = (name: string): boolean => /^linux-(?:image|modules)-/.test(name);

/** The largest kernel file that is taken from a package, in bytes. */
const KERNEL_BYTES = 256 << 20;

/** Where the distribution's kernel comes from and is kept. */
export interface KernelFromPackages {
  readonly arch: KernelArch;
  readonly distribution: Distribution;
  /** Finished kernels are kept below its `kernels/`. */
  readonly cacheDirectory: string;
  readonly packages: KernelPackages;
  readonly fileSystem: RootFileSystem;
  readonly devices: DeviceKind;
  readonly balloon?: boolean | undefined;
  /** Asks the distribution again, also when a kernel is in the cache. */
  readonly refresh?: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** The distribution's own kernel for virtual machines, from the cache or from its packages. */
export async function kernelFromPackages(options: KernelFromPackages): Promise<Kernel> {
  const { arch, distribution, cacheDirectory } = options;
  const name = kernelPackage(distribution, debianArch[arch]);
  const request = [distribution.id, distribution.version, name, arch, wantedNames()].join(" ");
  const cached = options.refresh === true ? undefined : cachedKernel(cacheDirectory, request);
  if (cached !== undefined) return kernelOf(cached, options);
  await makeKernel({ ...options, name, request });
  const made = cachedKernel(cacheDirectory, request);
  if (made !== undefined) return kernelOf(made, options);
  throw new WickError("IO", "Cannot keep the kernel: it does not read back as it was written");
}

function wantedNames(): string {
  return keptModules.map(({ name }) => name).join(",");
}

async function makeKernel(
  wanted: KernelFromPackages & { readonly name: string; readonly request: string },
): Promise<void> {
  const { arch, cacheDirectory, packages, name, request, signal } = wanted;
  const files = await packages.fetch([name], debianArch[arch], isKernelPackage);
  using spool = guardedDirectory("kernel");
  using unpacker = new KernelUnpacker(spool.path);
  let image: KernelPackageFile | undefined;
  for (const file of files.filter((one) => isKernelPackage(one.name))) {
    const before = unpacker.kernel;
    await packages.layer(file).play(unpacker, signal);
    if (unpacker.kernel !== before) image = file;
  }
  const { kernel } = unpacker;
  if (kernel === undefined || image === undefined) throw noKernel(name, files);
  identityOf(kernel.path, arch);
  const set = { origin: image.name, files: unpacker.files, builtin: unpacker.builtin };
  const config = unpacker.configs.get(kernel.release);
  await storeKernel(cacheDirectory, {
    request,
    package: image.name,
    version: image.version,
    arch,
    release: kernel.release,
    kernel: readSmallFile(kernel.path, KERNEL_BYTES),
    config: config === undefined ? undefined : readSmallFile(config, KERNEL_BYTES),
    modules: await orderModules(set, keptModules, signal),
  });
}

function noKernel(name: string, files: readonly KernelPackageFile[]): WickError {
  const names = files.map((file) => file.name).join(", ");
  return new WickError(
    "KERNEL_NOT_FOUND",
    `Cannot find a kernel in ${name}: no /boot/vmlinuz in ${names === "" ? "no package" : names}`,
    { hint: "give a kernel with --kernel FILE and its modules with --modules DIR" },
  );
}

function kernelOf(
  { path, manifest, modules }: CachedKernel,
  { arch, fileSystem, devices, balloon }: KernelFromPackages,
): Kernel {
  return {
    path,
    format: identityOf(path, arch).format,
    arch,
    release: manifest.release,
    origin: `${manifest.package} ${manifest.version}`,
    modules: selectModules(modules, wantedModules(fileSystem, devices, { balloon })),
  };
}
