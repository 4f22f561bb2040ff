import { display, sanitise, storageOf, type ReadableStorage } from "../bytes/index.ts";
import { kindOf } from "../compression/index.ts";
import { WickError } from "../errors/index.ts";
import { identifyElf } from "../formats/elf/index.ts";
import {
  BOOT_FLAG,
  IMAGE_MAGIC,
  imageHeader,
  SETUP_HEADER_OFFSET,
  SETUP_MAGIC,
  setupHeader,
  VERSION_BASE,
  ZBOOT_MAGIC,
  zbootHeader,
} from "./layout.ts";

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

/** The text of the kernel's version is shorter than this (arch/x86/boot/version.c). */
const VERSION_BYTES = 256;

/** What the kernel file is; undefined when it is none that can be booted. */
export function identifyKernel(storage: ReadableStorage): KernelIdentity | undefined {
  const head = new Uint8Array(SETUP_HEADER_OFFSET + setupHeader.sizeBytes);
  if (storage.readAt(head, 0) < head.length) return undefined;
  const setup = setupHeader.read(head, SETUP_HEADER_OFFSET);
  if (setup.boot_flag === BOOT_FLAG && setup.header === SETUP_MAGIC) {
    const release = releaseText(storage, setup.kernel_version);
    return { format: "bzImage", arch: "x86_64", release };
  }
  const elf = identifyElf(storage);
  if (elf?.type === "executable" || elf?.type === "shared") {
    return { format: "ELF", arch: elf.architecture, release: undefined };
  }
  if (imageHeader.read(head).magic === IMAGE_MAGIC) {
    return { format: "Image", arch: "aarch64", release: undefined };
  }
  // Only arm64 has its kernels compressed as a whole; QEMU unpacks them.
  if (kindOf(head) === "gzip") return { format: "Image.gz", arch: undefined, release: undefined };
  return undefined;
}

/** `6.1.0-56-cloud-amd64 (builder@host) #1 SMP …` up to the first space. */
function releaseText(storage: ReadableStorage, pointer: number): string | undefined {
  if (pointer === 0) return undefined;
  const text = new Uint8Array(VERSION_BYTES);
  const length = storage.readAt(text, pointer + VERSION_BASE);
  const end = text.subarray(0, length).findIndex((byte) => byte === 0 || byte === 0x20);
  return end > 0 ? display(text.subarray(0, end)) : undefined;
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
  if (zbootHeader.read(head).image_type === ZBOOT_MAGIC) return "an EFI image that unpacks itself";
  const compression = kindOf(head);
  if (compression !== "none") return `${compression} data`;
  return `a file that begins with "${display(head.subarray(0, Math.min(length, 8)))}"`;
}
