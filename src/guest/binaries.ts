import { pathToFileURL } from "node:url";
import { packageFile } from "../host/index.ts";

/** Architectures that init is built for. */
export type GuestArch = "x86_64" | "aarch64";

/** Where init's binary lies, built by scripts/build-init.mjs. */
export function initBinary(arch: GuestArch): URL {
  return pathToFileURL(packageFile(`dist/guest/init.${arch}`));
}

/** Forms of a kernel that have a boot stub, with the stub's architecture. */
const stubs = { image: "aarch64" } as const;

/** Where the boot stub of packed kernels of that form lies, built by scripts/build-init.mjs. */
export function stubBinary(form: keyof typeof stubs): URL {
  return pathToFileURL(packageFile(`dist/guest/stub-${form}.${stubs[form]}`));
}
