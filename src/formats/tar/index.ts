/** formats/tar/: reading tar archives. */
export { TarReader } from "./reader.ts";
export { type TarLimits } from "./limits.ts";
