import { join } from "node:path";
import { alignUp, storageOf } from "../bytes/index.ts";
import { decompress } from "../compression/index.ts";
import { WickError } from "../errors/index.ts";
import { FileStorage, readChunks } from "../host/index.ts";
import {
  bootArchive,
  DECOMPRESSOR_HEAD_BYTES,
  decompressorBytes,
  kernelEndBytes,
  leastMemory,
  runArchive,
  showMemory,
  type Kernel,
  type MemoryNeeded,
} from "../kernel/index.ts";
import type { MachineSpec } from "../vmm/index.ts";
import type { Context } from "./context.ts";
import { machineOf, type Parts } from "./machine-spec.ts";
import { runFiles } from "./run-records.ts";

/**
 * The kernel finds an uncompressed archive only at a multiple of this, and its lz4 ends only at
 * so many zeros, which stand for an empty block.
 */
const ALIGNMENT = 4;

/**
 * A machine whose root is an initramfs. What the kernel unpacks is three archives: modules and
 * what init does with them, the image as it is, this run's files; what comes later wins.
 */
export async function initramfsSpec(parts: Parts, context: Context): Promise<MachineSpec> {
  const initrd = join(parts.directory, "initrd.cpio");
  const added = await writeInitrd(initrd, parts, context);
  const sizes = await sizesOf(parts, { initrd, added }, context);
  const { memoryMiB, words } = memoryOf(parts, sizes, context);
  const spec = machineOf(parts);
  const commandLine = [spec.commandLine, ...words].join(" ");
  return { ...spec, initrd, commandLine, memoryMiB };
}

/** Returns how many bytes of it are not the image's. */
async function writeInitrd(path: string, parts: Parts, { signal }: Context): Promise<number> {
  const { plan, facts, kernel, image } = parts;
  const files = runFiles(plan, facts, { ports: parts.ports, mounts: parts.mounts.mounts });
  // Another init than wick's reads neither.
  const boot = facts.reports ? bootArchive({ modules: kernel.modules, boot: {} }) : NOTHING;
  const run = facts.reports ? runArchive(files) : NOTHING;
  using storage = new FileStorage(path, "create");
  storage.writeAt(boot, 0);
  let position = boot.length;
  for await (const chunk of readChunks(image, signal)) {
    storage.writeAt(chunk, position);
    position += chunk.length;
  }
  storage.writeAt(run, alignUp(position, ALIGNMENT) + ALIGNMENT);
  return boot.length + run.length;
}

const NOTHING = new Uint8Array(0);

interface Sizes {
  readonly kernelEndBytes: number;
  readonly initrdBytes: number;
  readonly unpackedBytes: number;
  readonly decompressorBytes: number;
}

async function sizesOf(
  { image, kernel, facts }: Parts,
  { initrd, added }: { readonly initrd: string; readonly added: number },
  { signal }: Context,
): Promise<Sizes> {
  using storage = new FileStorage(image, "read");
  const head = new Uint8Array(DECOMPRESSOR_HEAD_BYTES);
  storage.readAt(head, 0);
  using whole = new FileStorage(initrd, "read");
  return {
    kernelEndBytes: await endOf(kernel, signal),
    initrdBytes: whole.sizeBytes,
    unpackedBytes: added + (facts.unpackedBytes ?? 0),
    decompressorBytes: decompressorBytes(head),
  };
}

async function endOf(kernel: Kernel, signal: AbortSignal | undefined): Promise<number> {
  if (kernel.format !== "Image.gz") {
    using storage = new FileStorage(kernel.path, "read");
    return kernelEndBytes(storage, kernel.format);
  }
  const chunks: Uint8Array[] = [];
  const options = { name: "the kernel", ...(signal === undefined ? {} : { signal }) };
  for await (const chunk of decompress(readChunks(kernel.path, signal), options)) {
    chunks.push(Uint8Array.from(chunk));
  }
  return kernelEndBytes(storageOf(Buffer.concat(chunks)), "Image");
}

/**
 * Gives what is needed, or refuses less. A root in ramfs needs less than the kernel's own
 * choice, tmpfs, but has no limit and no free space to tell: only where memory is that short.
 */
function memoryOf({ plan }: Parts, sizes: Sizes, { onEvent }: Context) {
  const least = leastMemory({ ...sizes, root: "ramfs" });
  const roomy = leastMemory({ ...sizes, root: "tmpfs" });
  if (plan.isMemoryGiven) {
    if (plan.memoryMiB < least.mib) throw tooLittle(plan.memoryMiB, least);
    const words = plan.memoryMiB < roomy.mib ? ["rootfstype=ramfs"] : [];
    return { memoryMiB: plan.memoryMiB, words };
  }
  if (roomy.mib <= plan.memoryMiB) return { memoryMiB: plan.memoryMiB, words: [] };
  const message = `the machine gets ${roomy.mib} MiB of memory: an initramfs exists twice while it is unpacked, ${showMemory(least)}, and fills half of the memory at most`;
  onEvent({ type: "note", message });
  return { memoryMiB: roomy.mib, words: [] };
}

function tooLittle(memoryMiB: number, least: MemoryNeeded): WickError {
  return new WickError(
    "USAGE",
    `Cannot run the initramfs in ${memoryMiB} MiB of memory: wanted at least ${showMemory(least)}`,
    { hint: `-m ${least.mib}m, and what the application itself needs` },
  );
}
