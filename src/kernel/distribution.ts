import { sanitise } from "../bytes/index.ts";
import { WickError } from "../errors/index.ts";

/** The host's distribution, as far as kernels' packages depend on it. */
export interface Distribution {
  /** `debian`, `ubuntu`. */
  readonly id: string;
  /** Distributions that it is made from, nearest first. */
  readonly like: readonly string[];
  /** `12`, `24.04`; empty for rolling releases. */
  readonly version: string;
}

/** Reads os-release(5): `NAME=value`, values in shell quotes or none. */
export function parseOsRelease(text: string): Distribution {
  const values = new Map<string, string>();
  for (const line of text.split("\n")) {
    const match = /^([A-Z_]+)=(?:"([^"]*)"|'([^']*)'|(.*))$/.exec(line.trim());
    if (match !== null) values.set(match[1]!, match[2] ?? match[3] ?? match[4] ?? "");
  }
  return {
    id: values.get("ID") ?? "linux",
    like: (values.get("ID_LIKE") ?? "").split(" ").filter((word) => word !== ""),
    version: values.get("VERSION_ID") ?? "",
  };
}

/** Debian's word for an architecture. */
export type DebianArch = "amd64" | "arm64";

/** Debian's word for a machine's architecture. */
export const debianArch = { x86_64: "amd64", aarch64: "arm64" } as const;

/**
 * The package that always depends on the distribution's newest kernel for virtual machines:
 * Debian's cloud flavour is half the size of its general one, Ubuntu's virtual flavour is its
 * general kernel with fewer modules.
 */
const packages: Readonly<Record<string, Readonly<Record<DebianArch, string>>>> = {
  debian: { amd64: "linux-image-cloud-amd64", arm64: "linux-image-cloud-arm64" },
  ubuntu: { amd64: "linux-image-virtual", arm64: "linux-image-virtual" },
};

/** The name of the kernel's package. Errors: KERNEL_NOT_FOUND for a distribution we know none of. */
export function kernelPackage(distribution: Distribution, arch: DebianArch): string {
  const { id, like } = distribution;
  const known = [id, ...like].find((name) => packages[name] !== undefined);
  if (known !== undefined) return packages[known]![arch];
  throw new WickError(
    "KERNEL_NOT_FOUND",
    `Cannot find a kernel: no kernel package is known for "${sanitise(id)}", wanted Debian or Ubuntu`,
    { hint: "give a kernel with --kernel FILE and its modules with --modules DIR" },
  );
}
