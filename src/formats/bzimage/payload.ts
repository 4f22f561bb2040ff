/** How the kernel in a bzImage is compressed; "none" is an ELF as it is. */
export type PayloadCompression = "gzip" | "bzip2" | "lzma" | "xz" | "lzo" | "lz4" | "zstd" | "none";

/** Magic numbers: lib/decompress.c's `compressed_formats`, and ELF. */
const magics: readonly (readonly [PayloadCompression, readonly number[]])[] = [
  ["gzip", [0x1f, 0x8b]],
  ["gzip", [0x1f, 0x9e]],
  ["bzip2", [0x42, 0x5a]],
  ["lzma", [0x5d, 0x00]],
  ["xz", [0xfd, 0x37]],
  ["lzo", [0x89, 0x4c]],
  ["lz4", [0x02, 0x21]],
  ["zstd", [0x28, 0xb5]],
  ["none", [0x7f, 0x45]],
];

/** What a payload's first two bytes say; undefined when nothing that the kernel's build makes. */
export function payloadCompression(firstBytes: Uint8Array): PayloadCompression | undefined {
  return magics.find(([, bytes]) => bytes.every((byte, i) => firstBytes[i] === byte))?.[0];
}

/**
 * Bytes at the payload's end that tell its plain size (scripts/Makefile.lib, `size_append`):
 * behind the compressed data, but with gzip its own last four.
 */
export const PLAIN_SIZE_BYTES = 4;
