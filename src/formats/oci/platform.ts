import { sanitise } from "../../bytes/index.ts";
import { WickError } from "../../errors/index.ts";
import { type Descriptor, type Platform, showPlatform } from "./descriptor.ts";
import type { ImageIndex } from "./manifest.ts";

/** What is wanted, in the words of wick's plan. */
export interface WantedPlatform {
  readonly architecture: "x86_64" | "aarch64";
}

const goArchitectures = { x86_64: "amd64", aarch64: "arm64" } as const;

/** `linux/amd64`, `linux/arm64`: what users and registries call it. */
export function platformName({ architecture }: WantedPlatform): string {
  return `linux/${goArchitectures[architecture]}`;
}

/** Names that containerd/platforms takes for others (database.go). */
const aliases: Readonly<Record<string, string>> = {
  x86_64: "amd64",
  "x86-64": "amd64",
  aarch64: "arm64",
};

/** The variant that every machine of an architecture has, and that may be left out. */
const baseVariants: Readonly<Record<string, readonly string[]>> = {
  amd64: ["", "v1", "1"],
  arm64: ["", "v8", "8", "v8.0", "8.0"],
};

/** Whether an image of `is` runs on `wanted`: the least variant alone, as in containerd. */
export function matchesPlatform(is: Platform, wanted: WantedPlatform): boolean {
  const architecture = is.architecture.toLowerCase();
  const name = aliases[architecture] ?? architecture;
  if (is.os.toLowerCase() !== "linux" || name !== goArchitectures[wanted.architecture])
    return false;
  return baseVariants[name]!.includes((is.variant ?? "").toLowerCase());
}

/**
 * The manifest (or the index inside) for the wanted platform: the first that names it, else
 * the first that names none and whose config must tell. Attestations are passed over.
 * UNSUPPORTED with the platforms that there are otherwise; `name` is the image's.
 */
export function choosePlatform(
  index: ImageIndex,
  wanted: WantedPlatform,
  name: string,
): Descriptor {
  const images = index.manifests.filter((one) => !isAttestation(one));
  const exact = images.find(({ platform }) => platform && matchesPlatform(platform, wanted));
  const chosen = exact ?? images.find(({ platform }) => platform === undefined);
  if (chosen !== undefined) return chosen;
  throw noPlatform(images, wanted, name);
}

/** What BuildKit puts beside images: provenance and lists of parts. */
function isAttestation({ platform, annotations, artifactType }: Descriptor): boolean {
  if (platform?.os === "unknown" && platform.architecture === "unknown") return true;
  return artifactType !== undefined || annotations?.["vnd.docker.reference.type"] !== undefined;
}

function noPlatform(
  images: readonly Descriptor[],
  wanted: WantedPlatform,
  name: string,
): WickError {
  const names = images.flatMap(({ platform }) => (platform ? [showPlatform(platform)] : []));
  const has = [...new Set(names)];
  const other = (["x86_64", "aarch64"] as const).find(
    (architecture) =>
      architecture !== wanted.architecture &&
      images.some(({ platform }) => platform && matchesPlatform(platform, { architecture })),
  );
  const shown = has.length === 0 ? "no image at all" : has.slice(0, 12).join(", ");
  const message = `Cannot use ${sanitise(name)}: it has ${shown}, wanted ${platformName(wanted)}`;
  if (other === undefined) return new WickError("UNSUPPORTED", message);
  const hint = `--platform ${platformName({ architecture: other })}`;
  return new WickError("UNSUPPORTED", message, { hint });
}
