import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { testCache } from "./cli.ts";

/**
 * A cache below `directory` that goes with it: what a test pulls and builds is not kept for the
 * next run. Kernels and packages are those that all tests share.
 */
export function ownCache(directory: string): string {
  const cache = join(directory, "cache");
  mkdirSync(cache, { mode: 0o700 });
  for (const name of ["apt", "debs", "kernels"]) {
    mkdirSync(join(testCache, name), { recursive: true, mode: 0o700 });
    symlinkSync(join(testCache, name), join(cache, name));
  }
  return cache;
}
