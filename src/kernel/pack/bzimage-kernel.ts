import type { ReadableStorage } from "../../bytes/index.ts";
import { WickError } from "../../errors/index.ts";
import {
  type BzImage,
  ENTRY_64,
  HIGH_ADDRESS,
  INIT_SIZE_VERSION,
  readBzImage,
  XLOADFLAGS,
} from "../../formats/bzimage/index.ts";

/** A bzImage, checked as far as packing relies on it. */
export interface BzImageKernel extends BzImage {
  /** Where it runs at the least, a physical address. */
  readonly address: number;
  /** `kernel_alignment`; 0: it runs at `address` wherever it was loaded. */
  readonly alignment: number;
  readonly hasEntry64: boolean;
}

/** What is replaced at an entry: a jump takes five bytes of them. */
export const ENTRY_BYTES = 8;
const PAGE = 4096;
/** Kernels are aligned to 2 or 16 MiB. */
const ALIGNMENT_LIMIT = 1 << 28;
/** Far above where any kernel ends; sums of such numbers fit into 32 bits. */
const ADDRESS_LIMIT = 1 << 30;

/** Errors: KERNEL_INVALID. */
export function readBzImageKernel(kernel: ReadableStorage, name: string): BzImageKernel {
  const image = readBzImage(kernel, {
    what: `the kernel ${name}`,
    code: "KERNEL_INVALID",
  });
  const { version, code32_start, xloadflags, pref_address, init_size } = image.header;
  if (version < INIT_SIZE_VERSION) {
    const is = `boot protocol ${version >> 8}.${version & 0xff}`;
    throw refusal(name, is, "2.10 or newer, as Linux has it since 2.6.31");
  }
  if (code32_start !== HIGH_ADDRESS) {
    throw refusal(name, `code32_start is 0x${code32_start.toString(16)}`, "0x100000");
  }
  const end = pref_address + BigInt(init_size);
  if (pref_address < HIGH_ADDRESS || end > ADDRESS_LIMIT || init_size === 0) {
    const is = `it runs at 0x${pref_address.toString(16)} in 0x${init_size.toString(16)} bytes`;
    throw refusal(name, is, "memory between 1 MiB and 1 GiB");
  }
  const address = Number(pref_address);
  if (address % PAGE !== 0) {
    throw refusal(name, `it runs at 0x${address.toString(16)}`, "a multiple of 4096");
  }
  if (image.code.sizeBytes < ENTRY_64 + ENTRY_BYTES) {
    throw refusal(name, `${image.code.sizeBytes} bytes of code`, "a kernel's");
  }
  const hasEntry64 = (xloadflags & XLOADFLAGS.XLF_KERNEL_64) !== 0;
  return { ...image, address, alignment: alignmentOf(image, name), hasEntry64 };
}

function alignmentOf({ header }: BzImage, name: string): number {
  const { relocatable_kernel, kernel_alignment: alignment } = header;
  if (relocatable_kernel === 0) return 0;
  const isPower = (alignment & (alignment - 1)) === 0;
  if (isPower && alignment >= PAGE && alignment <= ALIGNMENT_LIMIT) return alignment;
  throw refusal(name, `it is aligned to ${alignment}`, "a power of two, 4 KiB to 256 MiB");
}

function refusal(name: string, is: string, wanted: string): WickError {
  return new WickError("KERNEL_INVALID", `Cannot pack the kernel ${name}: ${is}, wanted ${wanted}`);
}
