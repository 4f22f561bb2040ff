/** sources/deb/: Debian packages, resolved and fetched by the host's own apt. */
export { fetchPackages, type DebFile, type FetchProgress, type FetchRequest } from "./apt.ts";
export { debSource, type DebOptions } from "./deb.ts";
export { debLayer, type DebLayerOptions, type DebReference } from "./deb-layer.ts";
export type { DebArchitecture, PackageRequest } from "./packages.ts";
