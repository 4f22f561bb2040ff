import { wickDirectories } from "../../host/index.ts";
import { findKernel, type FindKernelOptions, type Kernel } from "../../kernel/index.ts";
import { debLayer, fetchPackages, type FetchProgress } from "../../sources/index.ts";
import type { Context } from "./context.ts";
import { runStep } from "./progress.ts";

type Wanted = Omit<FindKernelOptions, "cacheDirectory" | "packages" | "signal">;

/** Finds the kernel that is wanted: the user's own, or the distribution's in wick's cache. */
export function hostKernel(wanted: Wanted, context: Context): Promise<Kernel> {
  const cacheDirectory = wickDirectories(context.environment).cache;
  const { signal } = context;
  return runStep(context.onEvent, { step: "kernel", title: "Find a kernel" }, async (step) => {
    const onProgress = ({ doneBytes, totalBytes }: FetchProgress): void =>
      step.bytes(doneBytes, totalBytes);
    const kernel = await findKernel({
      ...wanted,
      cacheDirectory,
      packages: {
        fetch: (names, arch, only) => {
          const packages = names.map((name) => ({ name }));
          return fetchPackages({ packages, arch, only, cacheDirectory, signal, onProgress });
        },
        layer: ({ name, version, path }) => debLayer({ label: `${name} ${version}`, path }),
      },
      signal,
    });
    step.detail(kernel.origin);
    return kernel;
  });
}
