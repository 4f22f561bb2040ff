import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { appCommandLine } from "../../application/index.ts";
import type { Arch, BundlePlan } from "../../config/index.ts";
import { WickError } from "../../errors/index.ts";
import { initBinary } from "../../guest/index.ts";
import {
  movePath,
  OutputFile,
  readChunks,
  readSmallFile,
  removePath,
  statOf,
} from "../../host/index.ts";
import { bootArchive, type Kernel, type PackRecord, unpackKernelFile } from "../../kernel/index.ts";
import type { Context } from "../common/context.ts";
import type { ImageFacts } from "../images/image-facts.ts";
import { checkInit, kernelSizes, memoryOf, summaryOf } from "../machine/initramfs-machine.ts";
import { INITRD } from "./layout.ts";
import type { BundleMachine } from "./machine.ts";

/** What the files that boot are made of. */
interface BootParts {
  readonly directory: string;
  readonly bundle: BundlePlan;
  readonly facts: ImageFacts;
  readonly kernel: Kernel;
}

type Boot = Pick<BundleMachine, "initrd" | "root" | "memoryMiB" | "last">;

/** The plain kernel, which Firecracker loads: out of a bzImage, Image.gz or zboot image. */
export async function writeKernel(
  { path }: Kernel,
  to: string,
  { signal }: Context,
): Promise<void> {
  const { bytes } = await unpackKernelFile(path, signal);
  writeFile(to, bytes);
}

/** A root file system: an initramfs with init's first stage finds it, changes lie in memory. */
export function rootParts(
  { directory, bundle, facts, kernel }: BootParts,
  root: string,
  arch: Arch,
): Boot {
  const init = readSmallFile(fileURLToPath(initBinary(arch)));
  const found = { uuid: facts.uuid, fstype: facts.format, mode: "overlay" } as const;
  const boot = { root: found, overlay: "tmpfs" } as const;
  writeFile(join(directory, INITRD), bootArchive({ init, modules: kernel.modules, boot }));
  return { initrd: INITRD, root, memoryMiB: bundle.memoryMiB, last: [] };
}

/**
 * An initramfs is the root: before it lie the modules that its devices need. Behind a compressed
 * archive nobody but the kernel would find them.
 */
export async function initramfsParts(
  { directory, bundle, facts, kernel }: BootParts,
  context: Context,
): Promise<Boot> {
  checkInit(facts, bundle.append);
  const added = facts.reports ? bootArchive({ modules: kernel.modules, boot: {} }) : NOTHING;
  const { unpackedBytes, decompressorBytes } = summaryOf(facts);
  const initrdBytes = await prepend(join(directory, INITRD), added, context);
  const sizes = {
    ...(await kernelSizes(kernel, bundle.append, context.signal)),
    initrdBytes,
    unpackedBytes: added.length + unpackedBytes,
    decompressorBytes,
  };
  const { memoryMiB, words } = memoryOf({ plan: bundle }, sizes, context);
  const own = facts.isApp ? appCommandLine(facts.config ?? {}).words : [];
  return { initrd: INITRD, memoryMiB, last: [...words, ...own] };
}

/** One file brings all of it; arguments of an application that is process 1 are built in. */
export function packedParts(
  bundle: BundlePlan,
  { leastMemoryMiB }: PackRecord,
  { onEvent }: Context,
): Boot {
  const { memoryMiB, isMemoryGiven } = bundle;
  if (isMemoryGiven && memoryMiB < leastMemoryMiB) throw tooLittle(memoryMiB, leastMemoryMiB);
  if (memoryMiB < leastMemoryMiB) {
    const message = `the machine gets ${leastMemoryMiB} MiB of memory, which its initramfs takes`;
    onEvent({ type: "note", message });
  }
  return { memoryMiB: Math.max(memoryMiB, leastMemoryMiB), last: [] };
}

const NOTHING = new Uint8Array(0);

/** Returns the size of the whole file. */
async function prepend(path: string, bytes: Uint8Array, { signal }: Context): Promise<number> {
  if (bytes.length > 0) {
    const image = `${path}.image`;
    movePath(path, image);
    using output = new OutputFile(path);
    output.write(bytes);
    for await (const chunk of readChunks(image, signal)) output.write(chunk);
    output.finish({ mode: 0o666 });
    removePath(image);
  }
  return statOf(path)!.size;
}

function writeFile(path: string, bytes: Uint8Array): void {
  using output = new OutputFile(path);
  output.write(bytes);
  output.finish({ mode: 0o666 });
}

function tooLittle(memoryMiB: number, leastMiB: number): WickError {
  return new WickError(
    "USAGE",
    `Cannot boot the packed file in ${memoryMiB} MiB of memory: wanted at least ${leastMiB} MiB`,
    { hint: `--memory ${leastMiB}m, and what the application itself needs` },
  );
}
