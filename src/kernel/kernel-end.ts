import { toSafeNumber, type ReadableStorage } from "../bytes/index.ts";
import { WickError } from "../errors/index.ts";
import { readArm64Image } from "../formats/arm64-image/index.ts";
import { readBzImage } from "../formats/bzimage/index.ts";
import { readElf } from "../formats/elf/index.ts";
import type { KernelFormat } from "./image.ts";

/** `p_type` of a segment that is loaded. */
const PT_LOAD = 1;
/** An ELF kernel is read whole; distributions' with all their symbols stay below. */
const ELF_BYTES = 1 << 30;

/**
 * Where a kernel's memory ends, in bytes from the start of RAM: for a bzImage what unpacking
 * needs (boot protocol: pref_address, init_size), for an ELF the last segment's end, for an
 * Image its own size. `storage` is that of the kernel, uncompressed where it was Image.gz.
 * Errors: KERNEL_INVALID.
 */
export function kernelEndBytes(storage: ReadableStorage, format: KernelFormat): number {
  switch (format) {
    case "bzImage": {
      const { pref_address, init_size } = readBzImage(storage).header;
      return toSafeNumber(pref_address, "pref_address") + init_size;
    }
    case "ELF":
      return elfEnd(storage);
    case "Image":
    case "Image.gz": {
      const { textOffset, imageBytes } = readArm64Image(storage);
      return textOffset + imageBytes;
    }
  }
}

function elfEnd(storage: ReadableStorage): number {
  if (storage.sizeBytes > ELF_BYTES) {
    throw new WickError("KERNEL_INVALID", "Cannot read the kernel: an ELF of more than 1 GiB");
  }
  const { segments } = readElf(storage, { what: "the kernel", code: "KERNEL_INVALID" });
  const ends = segments
    .filter(({ type }) => type === PT_LOAD)
    .map(({ physicalAddress, memorySize }) => physicalAddress + memorySize);
  const end = ends.reduce((last, one) => (one > last ? one : last), 0n);
  return toSafeNumber(end, "the end of the kernel's segments");
}
