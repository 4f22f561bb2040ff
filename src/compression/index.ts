/** compression/: gzip, zstd, xz, bzip2 and lz4 behind one stream; the magic number decides. */
export { decompress } from "./decompress.ts";
export { inflateBlob, type InflatedBlob } from "./inflate-blob.ts";
export { endIdleWorkers } from "./inflate-pool.ts";
export { inflateStream } from "./inflate-stream.ts";
export { type CompressionKind, kindOf } from "./kinds.ts";
export type { DecompressOptions, InflateOptions } from "./options.ts";
