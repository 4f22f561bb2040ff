/** compression/: gzip, zstd, xz, bzip2 and lz4 behind one stream; the magic number decides. */
export { decompress } from "./decompress.ts";
export { type CompressionKind, kindOf } from "./kinds.ts";
export type { DecompressOptions } from "./options.ts";
