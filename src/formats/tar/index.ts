/** formats/tar/: reading and writing tar archives. */
export { TarReader } from "./reader.ts";
export { type TarLimits } from "./limits.ts";
export { writeTar, type TarWriterOptions } from "./writer.ts";
