import { basename } from "node:path";
import { sanitise } from "../../bytes/index.ts";
import { WickError } from "../../errors/index.ts";
import { FileStorage } from "../../host/index.ts";
import {
  checkCanBoot,
  identifyKernel,
  kernelCapabilities,
  type PlainKernel,
  readPlainKernel,
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

/**
 * A kernel in the form in which it is packed, when it is one that can do what its initramfs
 * wants. Errors: those of unpacking it, KERNEL_INVALID; USAGE for a packed file.
 */
export async function packableKernel(
  path: string,
  { keepsBzImage, archives }: Wanted,
  { signal }: Context,
): Promise<Packing["kernel"]> {
  const name = sanitise(basename(path));
  refusePacked(path, name);
  const plain = readPlain(path, name);
  const unpacked = plain ?? (await unpackKernelFile(path, signal));
  const texts = plain?.texts ?? [unpacked.bytes];
  const compressions = archives.map(({ summary }) => summary.compression);
  if (!takesInitramfs(texts, compressions)) {
    const capabilities = await kernelCapabilities(path, { signal });
    for (const compression of compressions) {
      checkCanBoot(capabilities, { name, initrd: true, compression });
    }
  }
  if (plain !== undefined) return plain;
  using storage = new FileStorage(path, "read");
  const isBzImage = identifyKernel(storage)?.format === "bzImage";
  if (keepsBzImage && isBzImage) return { form: "bzImage", bytes: readAll(storage) };
  return { form: isBzImage ? "ELF" : "Image", bytes: unpacked.bytes };
}

/** Its own initramfs would win over a new one. */
function refusePacked(path: string, name: string): void {
  using storage = new FileStorage(path, "read");
  if (readPackRecord(storage) === undefined) return;
  throw new WickError("USAGE", `Cannot pack the kernel ${name}: it is a packed file already`, {
    hint: `wick unpack ${name} --kernel FILE gives the kernel in it`,
  });
}

/** Kernels with all their symbols have some hundred MB. */
const PLAIN_BYTES = 512 << 20;

/** A kernel that is packed as it lies in the file, without a look at what else it says of itself. */
function readPlain(path: string, name: string): PlainKernel | undefined {
  using storage = new FileStorage(path, "read");
  const form = identifyKernel(storage)?.format;
  const isPlain = form === "ELF" || form === "Image";
  if (!isPlain || storage.sizeBytes > PLAIN_BYTES) return undefined;
  return readPlainKernel(storage, { form, name });
}

function readAll(storage: FileStorage): Uint8Array {
  const bytes = new Uint8Array(storage.sizeBytes);
  return bytes.subarray(0, storage.readAt(bytes, 0));
}
