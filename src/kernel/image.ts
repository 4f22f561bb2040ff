import { display, sanitise, storageOf, type ReadableStorage } from "../bytes/index.ts";
import { kindOf } from "../compression/index.ts";
import { WickError } from "../errors/index.ts";
import { readSetupHeader, releaseOf } from "../formats/bzimage/index.ts";
import { readImageHeader, readZboot } from "../formats/arm64-image/index.ts";
import { identifyElf } from "../formats/elf/index.ts";

/** Forms of a kernel that QEMU boots. */
export type KernelFormat = "bzImage" | "ELF" | "Image" | "Image.gz";

/** What a kernel file says of itself. */
export interface KernelIdentity {
  readonly format: KernelFormat;
  /** In the words of `uname -m`; undefined where compression hides it. */
  readonly arch: string | undefined;
  /** `uname -r`, where the header tells it (bzImage). */
  readonly release: string | undefined;
}

/** Bytes at the start that tell the forms apart; no kernel is shorter. */
const HEAD_BYTES = 0x212;

/** What the kernel file is; undefined when it is none that can be booted. */
export function identifyKernel(storage: ReadableStorage): KernelIdentity | undefined {
  const head = new Uint8Array(HEAD_BYTES);
  if (storage.readAt(head, 0) < head.length) return undefined;
  const setup = readSetupHeader(storage);
  if (setup !== undefined) {
    return { format: "bzImage", arch: "x86_64", release: releaseOf(storage, setup) };
  }
  const elf = identifyElf(storage);
  if (elf?.type === "executable" || elf?.type === "shared") {
    return { format: "ELF", arch: elf.architecture, release: undefined };
  }
  if (readImageHeader(storage) !== undefined) {
    return { format: "Image", arch: "aarch64", release: undefined };
  }
  // Only arm64 has its kernels compressed as a whole; QEMU unpacks them.
  if (kindOf(head) === "gzip") return { format: "Image.gz", arch: undefined, release: undefined };
  return undefined;
}

/** The kernel's identity, or an error that says what the file is and what was wanted. */
export function checkKernel(
  name: string,
  storage: ReadableStorage,
  arch: "x86_64" | "aarch64",
): KernelIdentity {
  const identity = identifyKernel(storage);
  const wanted = arch === "x86_64" ? "a bzImage or an ELF vmlinux" : "an Image or Image.gz";
  if (identity === undefined) {
    throw invalid(name, describe(storage), `${wanted} for ${arch}`);
  }
  if ((identity.arch ?? "aarch64") === arch) return identity;
  const is = `${identity.format} for ${identity.arch ?? "aarch64"}`;
  throw invalid(name, is, `${wanted} for ${arch}`);
}

function invalid(name: string, is: string, wanted: string): WickError {
  return new WickError(
    "KERNEL_INVALID",
    `Cannot boot the kernel ${sanitise(name)}: ${is}, wanted ${wanted}`,
  );
}

/** A few words on a file that is no kernel. */
function describe(storage: ReadableStorage): string {
  const head = new Uint8Array(64);
  const length = storage.readAt(head, 0);
  if (length === 0) return "an empty file";
  const elf = identifyElf(storageOf(head.subarray(0, length)));
  if (elf !== undefined) return `an ELF file of type ${elf.type}`;
  if (readZboot(storage) !== undefined) return "an EFI image that unpacks itself";
  const compression = kindOf(head);
  if (compression !== "none") return `${compression} data`;
  return `a file that begins with "${display(head.subarray(0, Math.min(length, 8)))}"`;
}
