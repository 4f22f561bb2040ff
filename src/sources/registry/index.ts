/** sources/registry/: images from registries, by the OCI distribution specification 1.1. */
export {
  findKnownImage,
  type FindOptions,
  type KnownImage,
  type PullPolicy,
} from "./find-image.ts";
export { type DownloadProgress, ImageLayers } from "./image.ts";
export type { RetryPolicy } from "./retry.ts";
export { type RegistryOptions, RegistrySession } from "./session.ts";
export { type Login, logIn, logOut } from "./login.ts";
export type { Kept } from "./credentials/index.ts";
export {
  type PulledImage,
  pullImage,
  registrySource,
  type RegistrySourceOptions,
} from "./source.ts";
