/** sources/engine/: images of Docker's and podman's own stores, over their API's socket. */
export type { EngineKind } from "./address.ts";
export { type EngineImage, engineSource } from "./engine.ts";
