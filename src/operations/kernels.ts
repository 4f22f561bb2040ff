import * as v from "valibot";
import { parseOptions } from "../config/index.ts";
import { resolve } from "node:path";
import { wickDirectories } from "../host/index.ts";
import {
  kernelCapabilities,
  type KernelCapabilities,
  type ListedKernel,
  listKernels,
} from "../kernel/index.ts";
import type { Context } from "./common/context.ts";

/** The kernels in the cache. */
export function kernels(context: Context): ListedKernel[] {
  return listKernels(wickDirectories(context.environment).cache);
}

const text = v.pipe(v.string(), v.nonEmpty("wanted a text that is not empty"));

const schema = v.strictObject({
  /** Path of a bzImage, vmlinux, Image or Image.gz. */
  kernel: text,
  /** Its configuration, where that lies elsewhere. */
  config: v.optional(text),
});

/** What `kernel inspect` is asked for. */
export type InspectKernelOptions = v.InferInput<typeof schema>;

/** What a kernel's file is and can do, and what says so. */
export async function inspectKernel(
  options: InspectKernelOptions,
  context: Context,
): Promise<KernelCapabilities> {
  const { kernel, config } = parseOptions(schema, options, "kernel inspect");
  const at = (path: string): string => resolve(context.workingDirectory, path);
  const configFile = config === undefined ? undefined : at(config);
  return kernelCapabilities(at(kernel), { configFile, signal: context.signal });
}
