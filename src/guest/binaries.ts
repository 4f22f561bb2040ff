import { pathToFileURL } from "node:url";
import { packageFile } from "../host/index.ts";

/** Architectures that init is built for. */
export type GuestArch = "x86_64" | "aarch64";

/** Where init's binary lies, built by scripts/build-init.mjs. */
export function initBinary(arch: GuestArch): URL {
  return pathToFileURL(packageFile(`dist/guest/init.${arch}`));
}
