import { pathToFileURL } from "node:url";
import { packageFile } from "../host/index.ts";

/** Architectures that init is built for. */
export type GuestArch = "x86_64" | "aarch64";

/** Where init's binary lies, built by scripts/build-init.mjs. */
export function initBinary(arch: GuestArch): URL {
  return pathToFileURL(packageFile(`dist/guest/init.${arch}`));
}

/** Boot stubs by the way in which a loader enters the packed kernel, with their architecture. */
const stubs = {
  image: "aarch64",
  pvh: "x86_64",
  linux64: "x86_64",
  bzimage32: "x86_64",
  bzimage64: "x86_64",
} as const;

/** Where a boot stub of packed kernels lies, built by scripts/build-init.mjs. */
export function stubBinary(name: keyof typeof stubs): URL {
  return pathToFileURL(packageFile(`dist/guest/stub-${name}.${stubs[name]}`));
}
