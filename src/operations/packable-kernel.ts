import { basename } from "node:path";
import { sanitise } from "../bytes/index.ts";
import { FileStorage } from "../host/index.ts";
import { checkCanBoot, kernelCapabilities, unpackKernelFile } from "../kernel/index.ts";
import type { Context } from "./context.ts";
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
 * wants. Errors: those of unpacking it, KERNEL_INVALID.
 */
export async function packableKernel(
  path: string,
  { keepsBzImage, archives }: Wanted,
  { signal }: Context,
): Promise<Packing["kernel"]> {
  const name = sanitise(basename(path));
  const unpacked = await unpackKernelFile(path, signal);
  const capabilities = await kernelCapabilities(path, { signal, unpacked });
  for (const { summary } of archives) {
    checkCanBoot(capabilities, { name, initrd: true, compression: summary.compression });
  }
  return keepsBzImage && unpacked.from === "bzImage"
    ? { form: "bzImage", bytes: readWhole(path) }
    : { form: unpacked.format, bytes: unpacked.bytes };
}

/** A file that was unpacked already: it is regular, and not too large. */
function readWhole(path: string): Uint8Array {
  using storage = new FileStorage(path, "read");
  const bytes = new Uint8Array(storage.sizeBytes);
  return bytes.subarray(0, storage.readAt(bytes, 0));
}
