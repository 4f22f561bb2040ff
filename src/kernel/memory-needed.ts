const MIB = 1 << 20;

/** What a kernel and its initramfs take while both the blob and its unpacked copy exist. */
export interface MemoryRequest {
  readonly arch: "x86_64" | "aarch64";
  /** Where the kernel's memory ends, from the start of RAM; see kernelEndBytes. */
  readonly kernelEndBytes: number;
  /** Where it begins, when what lies below is memory that files may have later; 0 else. */
  readonly kernelStartBytes?: number;
  /** The initramfs as the loader puts it into memory, compressed or not. */
  readonly initrdBytes: number;
  /** The same unpacked: files in whole pages. */
  readonly unpackedBytes: number;
  /** What the kernel's decompressor holds meanwhile; see decompressorBytes. */
  readonly decompressorBytes: number;
  /** What the kernel keeps for devices and gives neither to files nor to itself; see cmaBytes. */
  readonly setAsideBytes?: number;
  /** tmpfs is the kernel's choice and takes half of the memory at most; ramfs takes all. */
  readonly root: "tmpfs" | "ramfs";
}

/** One part of the figure. */
export interface MemoryPart {
  readonly what: "kernel" | "initramfs" | "unpacked" | "decompressor" | "devices" | "reserve";
  readonly bytes: number;
}

/** The smallest memory in which the machine starts, and what it is for. */
export interface MemoryNeeded {
  /** A whole number of MiB. */
  readonly bytes: number;
  readonly mib: number;
  readonly why: readonly MemoryPart[];
}

/**
 * What is there beside the files, measured: Debian's 6.1 cloud kernel (ends at 67.5 MiB) began
 * 10 KiB in 72 MiB, 2 x 32 MiB in 136 and 2 x 128 MiB in 332; a kernel that ends at 5.1 MiB
 * served pages in 8. So: what its drivers and first process take, what it keeps for its own
 * size, and `struct page` (1.6 %) with the pages that it never hands out. On x86_64 much of that
 * finds room in the 16 MiB below the kernel; on aarch64 the kernel lies at the start of RAM:
 * Debian's (ends at 29.2 MiB) served pages in 49 MiB with 1 MiB of files, a small one (2.9) in 11.
 */
const RESERVE = {
  x86_64: { bytes: 2 * MIB, ofKernel: 0.08, ofFiles: 0.03 },
  aarch64: { bytes: 5 * MIB, ofKernel: 0.45, ofFiles: 0.03 },
} as const;

/** The least memory of a machine: with it the kernel starts the first process. */
export function leastMemory(request: MemoryRequest): MemoryNeeded {
  const { kernelEndBytes, initrdBytes, unpackedBytes, decompressorBytes } = request;
  const files = initrdBytes + unpackedBytes + decompressorBytes;
  const { bytes, ofKernel, ofFiles } = RESERVE[request.arch];
  const reserve = bytes + ofKernel * kernelEndBytes + ofFiles * files;
  const { setAsideBytes = 0 } = request;
  const needed = Math.max(kernelEndBytes + files + reserve, halfRule(request)) + setAsideBytes;
  const mib = Math.ceil(needed / MIB);
  const parts: readonly MemoryPart[] = [
    { what: "kernel", bytes: kernelEndBytes },
    { what: "initramfs", bytes: initrdBytes },
    { what: "unpacked", bytes: unpackedBytes },
    { what: "decompressor", bytes: decompressorBytes },
    { what: "devices", bytes: setAsideBytes },
    { what: "reserve", bytes: mib * MIB - kernelEndBytes - files - setAsideBytes },
  ];
  return { bytes: mib * MIB, mib, why: parts.filter(({ bytes }) => bytes > 0) };
}

/**
 * tmpfs's limit is half of what is free when the kernel mounts it: less the kernel, less the
 * blob (mm/shmem.c, shmem_default_max_blocks). So the copy counts twice; 2 % are `struct page`.
 */
function halfRule(request: MemoryRequest): number {
  const { kernelEndBytes, kernelStartBytes = 0, initrdBytes, unpackedBytes, root } = request;
  const kernelBytes = kernelEndBytes - Math.max(kernelStartBytes - MIB, 0); // BIOS's own MiB
  return root === "tmpfs" ? (kernelBytes + initrdBytes + 2 * unpackedBytes) * 1.02 : 0;
}

/** `72 MiB: kernel 67.5, initramfs 0.1, reserve 3.9`. */
export function showMemory({ mib, why }: MemoryNeeded): string {
  const parts = why.map(({ what, bytes }) => `${what} ${(bytes / MIB).toFixed(1)}`);
  return `${mib} MiB (${parts.join(", ")})`;
}
