/** formats/tar/: reading tar archives. */
export { TarReader } from "./reader.ts";
export { DEFAULT_LIMITS, type TarLimits } from "./limits.ts";
