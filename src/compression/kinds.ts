/** How data can be compressed; `none` is everything that no magic below names. */
export type CompressionKind = "gzip" | "zstd" | "xz" | "bzip2" | "lz4" | "none";

/** Bytes that `kindOf` looks at. */
export const MAGIC_BYTES = 6;

/** Magic numbers as bytes; `mask` where not every bit counts. */
const magics: readonly {
  readonly kind: CompressionKind;
  readonly bytes: readonly number[];
  readonly mask?: readonly number[];
}[] = [
  { kind: "gzip", bytes: [0x1f, 0x8b] }, // RFC 1952, 2.3.1
  { kind: "zstd", bytes: [0x28, 0xb5, 0x2f, 0xfd] }, // RFC 8878, 3.1.1
  // A skippable frame (RFC 8878, 3.1.2) is lz4's too; files that begin with one are zstd:chunked.
  { kind: "zstd", bytes: [0x50, 0x2a, 0x4d, 0x18], mask: [0xf0, 0xff, 0xff, 0xff] },
  { kind: "xz", bytes: [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00] }, // xz-file-format, 2.1.1.1
  { kind: "bzip2", bytes: [0x42, 0x5a, 0x68] }, // "BZh"
  { kind: "lz4", bytes: [0x04, 0x22, 0x4d, 0x18] }, // lz4_Frame_format.md
  { kind: "lz4", bytes: [0x02, 0x21, 0x4c, 0x18] }, // the legacy frame, which kernels use
];

/** What the first bytes of some data (6 are enough) say of its compression. */
export function kindOf(firstBytes: Uint8Array): CompressionKind {
  const found = magics.find(
    ({ bytes, mask }) =>
      firstBytes.length >= bytes.length &&
      bytes.every((byte, i) => (firstBytes[i]! & (mask?.[i] ?? 0xff)) === byte),
  );
  return found?.kind ?? "none";
}
