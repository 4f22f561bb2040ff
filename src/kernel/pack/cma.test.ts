import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { cmaBytes } from "./cma.ts";

/** A kernel that has CMA's words, and maybe its configuration, as kernel/configs.c embeds it. */
function kernel(config?: string): Uint8Array {
  const words = Buffer.from("\0cma: Reserved %ld MiB at %pa\0");
  if (config === undefined) return words;
  return Buffer.concat([words, Buffer.from("IKCFG_ST"), gzipSync(config), Buffer.from("IKCFG_ED")]);
}

/** MiB beside the 3 of tables. */
const cma = (bytes: Uint8Array, line?: string): number => cmaBytes(bytes, line) / 2 ** 20 - 3;

const fixed = (mib: number): string =>
  `CONFIG_CMA=y\nCONFIG_DMA_CMA=y\nCONFIG_CMA_SIZE_MBYTES=${mib}\nCONFIG_CMA_SIZE_SEL_MBYTES=y\n`;

test("what a kernel keeps for devices is its own configuration's, else Debian's, or nothing", () => {
  expect(cma(Buffer.from("no such words"))).toBe(0);
  expect(cma(kernel())).toBe(64);
  expect(cma(kernel(fixed(16)))).toBe(16);
  expect(cma(kernel(fixed(0)))).toBe(0);
  expect(cma(kernel("CONFIG_CMA=y\n# CONFIG_DMA_CMA is not set\n"), "cma=32M")).toBe(0);
  const part = "CONFIG_DMA_CMA=y\nCONFIG_CMA_SIZE_PERCENTAGE=5\nCONFIG_CMA_SIZE_SEL_PERCENTAGE=y\n";
  expect(cma(kernel(part))).toBe(64);
});

test("the command line comes before both, and the last word before the first", () => {
  for (const bytes of [kernel(), kernel(fixed(16))]) {
    expect(cma(bytes, "quiet cma=0")).toBe(0);
    expect(cma(bytes, "cma=32M@0-4G quiet")).toBe(32);
    expect(cma(bytes, "cma=0x1000000")).toBe(16);
    expect(cma(bytes, "cma=1g cma=8192k")).toBe(8);
  }
  expect(cma(kernel(), "cma=nothing numa_cma=32M")).toBe(64);
});
