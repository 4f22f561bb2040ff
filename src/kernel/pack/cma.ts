const MIB = 1 << 20;

/** What a kernel with CMA says (mm/cma.c); one without has no such words. */
const WORDS = "cma: Reserved %ld MiB";
/** CONFIG_CMA_SIZE_MBYTES of Debian's arm64 kernels. */
const CMA_BYTES = 64 * MIB;
/** Measured beside it with Debian's 6.1 for arm64: tables for its 1 GiB and larger pages. */
const TABLES_BYTES = 3 * MIB;

/**
 * Memory that an arm64 kernel keeps for devices' buffers (CMA, Documentation/admin-guide/
 * kernel-parameters.txt, "cma="): neither tmpfs nor ramfs gets any of it.
 */
export function cmaBytes(kernel: Uint8Array, commandLine: string | undefined): number {
  const all = Buffer.from(kernel.buffer, kernel.byteOffset, kernel.byteLength);
  const isOff = /(?:^| )cma=0(?: |$)/u.test(commandLine ?? "");
  return TABLES_BYTES + (!isOff && all.includes(WORDS) ? CMA_BYTES : 0);
}
