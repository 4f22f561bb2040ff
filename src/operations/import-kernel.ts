import { resolve } from "node:path";
import * as v from "valibot";
import { archOf, parseOptions } from "../config/index.ts";
import { WickError } from "../errors/index.ts";
import { checkOutput, hostArch, publish } from "../host/index.ts";
import {
  bootArchive,
  type Kernel,
  pvhEntryOf,
  readVmlinux,
  type UnpackedKernel,
  unpackKernelFile,
} from "../kernel/index.ts";
import { checkDistinct, checkNotInput } from "./common/check-distinct.ts";
import type { Context } from "./common/context.ts";
import { withClaims } from "./common/with-claims.ts";
import { hostKernel } from "./common/host-kernel.ts";

const text = v.pipe(v.string(), v.nonEmpty("wanted a text that is not empty"));

const schema = v.strictObject({
  /** Path of a bzImage, Image.gz, Image or ELF; without it the distribution's kernel. */
  kernel: v.optional(text),
  output: text,
  /** The modules of `kernel`: /lib/modules/RELEASE or any tree of .ko files. */
  modules: v.optional(text),
  /** Where an initramfs with the modules goes that a machine's devices need. */
  initramfs: v.optional(text),
  /** `linux/amd64`, `linux/arm64`; of the distribution's kernel. */
  platform: v.optional(text),
  refresh: v.optional(v.boolean()),
});

/** What `kernel import` is asked for. */
export type ImportKernelOptions = v.InferInput<typeof schema>;

export interface ImportedKernel {
  readonly output: string;
  /** What the output is: an ELF vmlinux, or an arm64 Image. */
  readonly format: UnpackedKernel["format"];
  readonly arch: string;
  readonly release?: string;
  readonly sizeBytes: number;
  /** What it was taken out of, and how that was compressed. */
  readonly from: UnpackedKernel["from"];
  readonly compression: UnpackedKernel["compression"];
  /** Physical address at which VMMs enter it by PVH; absent: it has no such note. */
  readonly pvhEntry?: number;
  /** The decompressor's relocations that were left out. */
  readonly relocationBytes: number;
  /** In load order. */
  readonly initramfs?: { readonly path: string; readonly modules: readonly string[] };
}

/** Writes the plain kernel out of a compressed one; both files are whole or absent. */
export async function importKernel(
  options: ImportKernelOptions,
  context: Context,
): Promise<ImportedKernel> {
  const given = parseOptions(schema, options, "kernel import");
  const at = (path: string): string => resolve(context.workingDirectory, path);
  if (given.modules !== undefined && given.kernel === undefined) throw modulesAlone();
  const output = at(given.output);
  checkOutput(output);
  const initramfs = given.initramfs === undefined ? undefined : at(given.initramfs);
  if (initramfs !== undefined) checkOutput(initramfs);
  checkDistinct([output, initramfs]);
  if (given.kernel !== undefined) checkNotInput([output, initramfs], [at(given.kernel)]);
  const source = given.kernel === undefined ? await distributionKernel(given, context) : undefined;
  const path = source?.path ?? at(given.kernel!);
  const kernel = await unpackKernelFile(path, context.signal);
  const archive =
    initramfs === undefined
      ? undefined
      : await moduleArchive({ kernel, path, source, modules: given.modules }, context);
  await withClaims(context, async (claim) => {
    await publish(output, (storage) => storage.writeAt(kernel.bytes, 0), { claim });
    if (initramfs === undefined || archive === undefined) return;
    await publish(initramfs, (storage) => storage.writeAt(archive.bytes, 0), { claim });
  });
  return {
    ...resultOf(kernel, output),
    ...(initramfs === undefined || archive === undefined
      ? {}
      : { initramfs: { path: initramfs, modules: archive.names } }),
  };
}

function resultOf(kernel: UnpackedKernel, output: string): ImportedKernel {
  const { format, arch, release, from, compression, relocationBytes, bytes } = kernel;
  const entry = format === "ELF" ? pvhEntryOf(readVmlinux(bytes, "the kernel")) : undefined;
  return {
    output,
    format,
    arch,
    ...(release === undefined ? {} : { release }),
    sizeBytes: bytes.length,
    from,
    compression,
    ...(entry === undefined ? {} : { pvhEntry: entry }),
    relocationBytes,
  };
}

function modulesAlone(): WickError {
  return new WickError(
    "USAGE",
    "Cannot import modules alone: --modules is given without a kernel",
    {
      hint: "name the kernel, or leave --modules out: the distribution's kernel brings its own",
    },
  );
}

interface Archived {
  readonly kernel: UnpackedKernel;
  readonly path: string;
  readonly source: Kernel | undefined;
  readonly modules: string | undefined;
}

/** The modules of an initramfs machine's devices, with wick's list of them in load order. */
async function moduleArchive(
  { kernel, path, source, modules }: Archived,
  context: Context,
): Promise<{ readonly bytes: Uint8Array; readonly names: readonly string[] }> {
  const found =
    source ??
    (await hostKernel(
      {
        arch: kernel.arch === "aarch64" ? "aarch64" : "x86_64",
        kernelFile: path,
        fileSystem: "initramfs",
        devices: "any",
        modulesDirectory:
          modules === undefined ? undefined : resolve(context.workingDirectory, modules),
      },
      context,
    ));
  return {
    bytes: bootArchive({ modules: found.modules, boot: {} }),
    names: found.modules.map(({ name }) => name),
  };
}

function distributionKernel(
  { platform, refresh = false }: Pick<ImportKernelOptions, "platform" | "refresh">,
  context: Context,
): Promise<Kernel> {
  const arch = archOf(platform, { environment: context.environment, arch: hostArch() });
  return hostKernel({ arch, refresh, fileSystem: "initramfs", devices: "any" }, context);
}
