import { basename } from "node:path";
import { type ReadableStorage, sanitise, storageOf } from "../../bytes/index.ts";
import { WickError } from "../../errors/index.ts";
import { FileStorage } from "../../host/index.ts";
import {
  checkCanBoot,
  identifyKernel,
  kernelCapabilities,
  kernelTexts,
  readPackRecord,
  takesInitramfs,
  unpackKernelFile,
} from "../../kernel/index.ts";
import type { Context } from "../common/context.ts";
import type { Archive, Packing } from "./write-packed.ts";

/** What becomes of a kernel's file. */
interface Wanted {
  /** Whether a bzImage stays one; else it is the vmlinux in it. */
  readonly keepsBzImage: boolean;
  /** What it is to unpack. */
  readonly archives: readonly Archive[];
}

/** A kernel in the form in which it is packed; its file is open until it is disposed. */
export type PackableKernel = Packing["kernel"] & Disposable;

/**
 * Opens a kernel that can do what its initramfs wants. Errors: those of unpacking it,
 * KERNEL_INVALID; USAGE for a packed file.
 */
export async function packableKernel(
  path: string,
  wanted: Wanted,
  context: Context,
): Promise<PackableKernel> {
  const file = new FileStorage(path, "read");
  const close = (): void => file[Symbol.dispose]();
  try {
    const kernel = await packableForm(file, wanted, context);
    return { ...kernel, [Symbol.dispose]: close };
  } catch (error) {
    close();
    throw error;
  }
}

async function packableForm(
  file: FileStorage,
  { keepsBzImage, archives }: Wanted,
  { signal }: Context,
): Promise<Packing["kernel"]> {
  const name = sanitise(basename(file.path));
  refusePacked(file, name);
  const format = identifyKernel(file)?.format;
  if ((format === "ELF" || format === "Image") && file.sizeBytes <= PLAIN_BYTES) {
    await checkTakes(kernelTexts(file, { form: format, name }), { file, name, archives, signal });
    return { form: format, storage: file };
  }
  const unpacked = storageOf((await unpackKernelFile(file.path, signal)).bytes);
  await checkTakes([unpacked], { file, name, archives, signal });
  if (format !== "bzImage") return { form: "Image", storage: unpacked };
  return keepsBzImage ? { form: format, storage: file } : { form: "ELF", storage: unpacked };
}

/** Its own initramfs would win over a new one. */
function refusePacked(file: FileStorage, name: string): void {
  if (readPackRecord(file) === undefined) return;
  throw new WickError("USAGE", `Cannot pack the kernel ${name}: it is a packed file already`, {
    hint: `wick unpack ${name} --kernel FILE gives the kernel in it`,
  });
}

/** Kernels with all their symbols have some hundred MB. */
const PLAIN_BYTES = 512 << 20;

/** What its own texts do not tell, its configuration may. */
async function checkTakes(
  texts: readonly ReadableStorage[],
  kernel: {
    readonly file: FileStorage;
    readonly name: string;
    readonly archives: readonly Archive[];
    readonly signal: AbortSignal | undefined;
  },
): Promise<void> {
  const { file, name, archives, signal } = kernel;
  const compressions = archives.map(({ summary }) => summary.compression);
  if (takesInitramfs(texts, compressions)) return;
  const capabilities = await kernelCapabilities(file.path, { signal });
  for (const compression of compressions) {
    checkCanBoot(capabilities, { name, initrd: true, compression });
  }
}
