import { join } from "node:path";
import { appCommandLine, mergeConfigs } from "../../application/index.ts";
import { storageOf } from "../../bytes/index.ts";
import type { RunPlan } from "../../config/index.ts";
import { WickError } from "../../errors/index.ts";
import { FileStorage, readChunks } from "../../host/index.ts";
import {
  archiveBehind,
  bootArchive,
  cmaBytes,
  kernelEndBytes,
  leastMemory,
  runArchive,
  showMemory,
  unpackKernelFile,
  type Kernel,
  type MemoryNeeded,
} from "../../kernel/index.ts";
import type { MachineSpec } from "../../vmm/index.ts";
import { appNetworkWords } from "./app-network.ts";
import type { Context } from "../common/context.ts";
import type { ImageFacts } from "../images/image-facts.ts";
import { machineOf, type Parts, runFilesOf } from "./machine-spec.ts";
import type { InitramfsSummary } from "../initramfs/read-initramfs.ts";

/**
 * A machine whose root is an initramfs. What the kernel unpacks is three archives: modules and
 * what init does with them, the image as it is, this run's files; what comes later wins.
 */
export async function initramfsSpec(parts: Parts, context: Context): Promise<MachineSpec> {
  checkInit(parts.facts, parts.plan.append);
  const initrd = join(parts.directory, "initrd.cpio");
  const added = await writeInitrd(initrd, parts, context);
  const sizes = await sizesOf(parts, { initrd, added }, context);
  const { memoryMiB, words } = memoryOf(parts, sizes, context);
  const spec = machineOf(parts);
  const own = parts.facts.isApp ? await appWords(parts, context) : [];
  const commandLine = [spec.commandLine, ...words, ...own].join(" ");
  return { ...spec, initrd, commandLine, memoryMiB };
}

/** Process 1 is the application: the kernel itself hands it what this run sets. */
export async function appWords(
  { plan, facts, kernel, tap }: Parts,
  context: Context,
): Promise<string[]> {
  const { words } = appCommandLine(mergeConfigs(facts.config ?? {}, plan.overrides));
  return [...(await appNetworkWords({ plan, kernel, tap }, context)), ...words];
}

/** Refuses one that has nothing to start; `commandLine` may name another program. */
export function checkInit({ initramfs }: ImageFacts, commandLine: string): void {
  if (initramfs?.hasInit === true || /(^| )rdinit=/.test(commandLine)) return;
  throw new WickError(
    "NO_APPLICATION",
    "Cannot run the initramfs: it has no /init, and the kernel starts nothing else of it",
    { hint: "--append rdinit=/PATH names another program" },
  );
}

/** Returns how many bytes of it are not the image's. */
async function writeInitrd(path: string, parts: Parts, { signal }: Context): Promise<number> {
  const { facts, kernel, image } = parts;
  // Another init than wick's reads neither.
  const boot = facts.reports ? bootArchive({ modules: kernel.modules, boot: {} }) : NOTHING;
  const run = facts.reports ? runArchive(runFilesOf(parts)) : NOTHING;
  using storage = new FileStorage(path, "create");
  storage.writeAt(boot, 0);
  let position = boot.length;
  for await (const chunk of readChunks(image, signal)) {
    storage.writeAt(chunk, position);
    position += chunk.length;
  }
  storage.writeAt(
    run,
    archiveBehind(position, { isCompressed: summaryOf(facts).compression !== "none" }),
  );
  return boot.length + run.length;
}

const NOTHING = new Uint8Array(0);

export function summaryOf({ initramfs }: ImageFacts): InitramfsSummary {
  if (initramfs !== undefined) return initramfs;
  throw new WickError("INTERNAL", "Cannot run the initramfs: nothing is known of it");
}

/** What takes memory while an initramfs is unpacked. */
export interface Sizes {
  readonly arch: Kernel["arch"];
  readonly kernelEndBytes: number;
  readonly initrdBytes: number;
  readonly unpackedBytes: number;
  readonly decompressorBytes: number;
  readonly setAsideBytes: number;
}

async function sizesOf(
  { plan, kernel, facts }: Parts,
  { initrd, added }: { readonly initrd: string; readonly added: number },
  { signal }: Context,
): Promise<Sizes> {
  const { unpackedBytes, decompressorBytes } = summaryOf(facts);
  using whole = new FileStorage(initrd, "read");
  return {
    ...(await kernelSizes(kernel, plan.append, signal)),
    initrdBytes: whole.sizeBytes,
    unpackedBytes: added + unpackedBytes,
    decompressorBytes,
  };
}

/** The kernel's share of them. */
export async function kernelSizes(
  { path, format, arch }: Kernel,
  append: string,
  signal: AbortSignal | undefined,
): Promise<Pick<Sizes, "arch" | "kernelEndBytes" | "setAsideBytes">> {
  if (arch === "x86_64") {
    using storage = new FileStorage(path, "read");
    return { arch, kernelEndBytes: kernelEndBytes(storage, format), setAsideBytes: 0 };
  }
  const { bytes } = await unpackKernelFile(path, signal);
  const end = kernelEndBytes(storageOf(bytes), "Image");
  return { arch, kernelEndBytes: end, setAsideBytes: cmaBytes(bytes, append) };
}

/**
 * Gives what is needed, or refuses less. A root in ramfs needs less than the kernel's own
 * choice, tmpfs, but has no limit and no free space to tell: only where memory is that short.
 */
export function memoryOf(
  { plan }: { readonly plan: Pick<RunPlan, "memoryMiB" | "isMemoryGiven"> },
  sizes: Sizes,
  { onEvent }: Context,
) {
  const least = leastMemory({ ...sizes, root: "ramfs" });
  const roomy = leastMemory({ ...sizes, root: "tmpfs" });
  if (plan.isMemoryGiven) {
    if (plan.memoryMiB < least.mib) throw tooLittle(plan.memoryMiB, least);
    const words = plan.memoryMiB < roomy.mib ? ["rootfstype=ramfs"] : [];
    return { memoryMiB: plan.memoryMiB, words };
  }
  if (roomy.mib <= plan.memoryMiB) return { memoryMiB: plan.memoryMiB, words: [] };
  onEvent({ type: "note", message: givenMore(roomy.mib, least) });
  return { memoryMiB: roomy.mib, words: [] };
}

export function givenMore(memoryMiB: number, least: MemoryNeeded): string {
  return `the machine gets ${memoryMiB} MiB of memory: an initramfs exists twice while it is unpacked, ${showMemory(least)}, and fills half of the memory at most`;
}

export function tooLittle(memoryMiB: number, least: MemoryNeeded): WickError {
  return new WickError(
    "USAGE",
    `Cannot run the initramfs in ${memoryMiB} MiB of memory: wanted at least ${showMemory(least)}`,
    { hint: `-m ${least.mib}m, and what the application itself needs` },
  );
}
