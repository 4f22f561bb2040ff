import { FileStorage, statOf } from "../host/index.ts";
import { keptKernels } from "./cache.ts";
import { identifyKernel, type KernelFormat } from "./image.ts";

/** A kernel in the cache, as `kernel ls` shows it. */
export interface ListedKernel {
  readonly release?: string;
  readonly arch: string;
  readonly package: string;
  readonly version: string;
  readonly format: KernelFormat;
  /** Of the kernel's file. */
  readonly sizeBytes: number;
  readonly modules: number;
  readonly path: string;
}

/** The kernels that are kept, by path; a damaged one is not among them. */
export function listKernels(cacheDirectory: string): ListedKernel[] {
  return keptKernels(cacheDirectory).flatMap(({ path, manifest }) => {
    if (statOf(path)?.isFile() !== true) return [];
    using storage = new FileStorage(path, "read");
    const identity = identifyKernel(storage);
    if (identity === undefined) return [];
    return [
      {
        ...(manifest.release === undefined ? {} : { release: manifest.release }),
        arch: identity.arch ?? "aarch64",
        package: manifest.package,
        version: manifest.version,
        format: identity.format,
        sizeBytes: storage.sizeBytes,
        modules: manifest.modules.length,
        path,
      },
    ];
  });
}
