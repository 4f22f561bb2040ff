import { sanitise } from "../bytes/index.ts";
import { WickError } from "../errors/index.ts";
import type { Environment } from "../host/index.ts";

export type Arch = "x86_64" | "aarch64";

/** Docker's names of the machines that wick makes; v8 is what every arm64 is. */
const platforms: Readonly<Record<string, Arch>> = {
  "linux/amd64": "x86_64",
  "linux/arm64": "aarch64",
  "linux/arm64/v8": "aarch64",
};

/** The machine for `--platform`, else for DOCKER_DEFAULT_PLATFORM, else that of the caller. */
export function archOf(
  platform: string | undefined,
  { environment, arch }: { readonly environment: Environment; readonly arch: Arch },
): Arch {
  const wanted = platform ?? environment["DOCKER_DEFAULT_PLATFORM"];
  if (wanted === undefined || (platform === undefined && wanted === "")) return arch;
  const known = Object.hasOwn(platforms, wanted) ? platforms[wanted] : undefined;
  if (known !== undefined) return known;
  throw new WickError(
    "USAGE",
    `Cannot build for the platform "${sanitise(wanted)}": wanted linux/amd64 or linux/arm64`,
    platform === undefined ? { hint: "DOCKER_DEFAULT_PLATFORM names it" } : {},
  );
}
