import { embeddedConfig, type KernelConfig } from "../kconfig.ts";

const MIB = 1 << 20;

/** What a kernel with CMA says (mm/cma.c); one without has no such words. */
const WORDS = "cma: Reserved %ld MiB";
/** CONFIG_CMA_SIZE_MBYTES of Debian's arm64 kernels, which carry no configuration. */
const CMA_BYTES = 64 * MIB;
/** Measured beside it with Debian's 6.1 for arm64: tables for its 1 GiB and larger pages. */
const TABLES_BYTES = 3 * MIB;

/** `cma=nn[KMG]…` of the command line, as memparse (lib/cmdline.c) reads it; the last one counts. */
const WORD = /(?:^| )cma=(0x[0-9a-f]+|\d+)([kmg]?)/giu;
const UNITS = { "": 1, k: 1024, m: MIB, g: 1024 * MIB } as const;

/**
 * Memory that an arm64 kernel keeps for devices' buffers (CMA, Documentation/admin-guide/
 * kernel-parameters.txt, "cma="): neither tmpfs nor ramfs gets any of it. The command line says
 * how much, else the configuration that the kernel carries, else it is as much as Debian's.
 */
export function cmaBytes(kernel: Uint8Array, commandLine: string | undefined): number {
  const all = Buffer.from(kernel.buffer, kernel.byteOffset, kernel.byteLength);
  if (!all.includes(WORDS)) return TABLES_BYTES;
  const config = embeddedConfig(kernel);
  // Without DMA_CMA nobody reserves an area, nor reads the word that would.
  if (config !== undefined && config.get("DMA_CMA") !== "y") return TABLES_BYTES;
  return TABLES_BYTES + (askedFor(commandLine ?? "") ?? configured(config) ?? CMA_BYTES);
}

function askedFor(commandLine: string): number | undefined {
  const [, digits, unit] = [...commandLine.matchAll(WORD)].at(-1) ?? [];
  if (digits === undefined) return undefined;
  return Number(digits) * UNITS[unit!.toLowerCase() as keyof typeof UNITS];
}

/** Undefined where it is a part of the machine's memory (CMA_SIZE_SEL_PERCENTAGE, _MAX). */
function configured(config: KernelConfig | undefined): number | undefined {
  const isFixed = config?.get("CMA_SIZE_SEL_MBYTES") === "y";
  const mib = isFixed ? Number(config!.get("CMA_SIZE_MBYTES")) : NaN;
  return Number.isSafeInteger(mib) ? mib * MIB : undefined;
}
