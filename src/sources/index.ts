/** sources/: where an application comes from: Debian packages, a directory, a tar archive. */
export type { ReadMerged, Source, SourceContents } from "./source.ts";
export { parseSource } from "./parse.ts";
export { isBundle } from "./parse-path.ts";
export { holdsInitramfs } from "./finished-image.ts";
export type { ParsedSource, ParseOptions, SourceKind } from "./parsed-source.ts";
export { openSource, type SourceOptions } from "./open.ts";
export { directoryLayer } from "./directory.ts";
export {
  allowances,
  parseSecret,
  type Allowance,
  type DockerfileSettings,
} from "./dockerfile/index.ts";
export type { ListSettings } from "./list.ts";
export { fileLayer } from "./file-layer.ts";
export type { Owner } from "./owner.ts";
export {
  debLayer,
  type DebArchitecture,
  type DebFile,
  fetchPackages,
  type FetchProgress,
  type FetchRequest,
  type PackageRequest,
} from "./deb/index.ts";
export { readRecipe, type Recipe, recipeLayer } from "./recipe/index.ts";
export {
  type DownloadProgress,
  type Kept,
  logIn,
  logOut,
  type PulledImage,
  pullImage,
  type RegistrySourceOptions,
} from "./registry/index.ts";
