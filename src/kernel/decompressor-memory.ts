import { kindOf } from "../compression/index.ts";

/** So much of a file decides: its first headers. */
export const DECOMPRESSOR_HEAD_BYTES = 64;

const KIB = 1024;
const MIB = 1 << 20;

/** lib/decompress_unlz4.c: a chunk of 8 MiB and its compressed form, each whole in memory. */
const LZ4_BYTES = 16 * MIB + 64 * KIB;
/** lib/decompress_inflate.c: window and state. */
const GZIP_BYTES = 64 * KIB;
/** lib/decompress_bunzip2.c: blocks of 900 kB, four bytes each. */
const BZIP2_BYTES = 4 * MIB;

/**
 * What the kernel's decompressor holds beside input and output while it unpacks an initramfs
 * that begins with `head`: the window that was compressed with, mostly.
 */
export function decompressorBytes(head: Uint8Array): number {
  switch (kindOf(head)) {
    case "none":
      return 0;
    case "gzip":
      return GZIP_BYTES;
    case "bzip2":
      return BZIP2_BYTES;
    case "lz4":
      return LZ4_BYTES;
    case "zstd":
      return zstdWindow(head) + 256 * KIB;
    case "xz":
      return xzDictionary(head) + 64 * KIB;
  }
}

/** RFC 8878, 3.1.1.1: descriptor, then the window's, or in a single segment the content's size. */
function zstdWindow(head: Uint8Array): number {
  const descriptor = head[4] ?? 0;
  const isSingleSegment = (descriptor & 0x20) !== 0;
  if (!isSingleSegment) {
    const window = head[5] ?? 0;
    const base = 2 ** (10 + (window >> 3));
    return base + (base / 8) * (window & 7);
  }
  const sizeAt = 5 + [0, 1, 2, 4][descriptor & 3]!;
  const sizeBytes = [1, 2, 4, 8][descriptor >> 6]!;
  let size = sizeBytes === 2 ? 256 : 0;
  for (let i = sizeBytes - 1, scale = 256 ** i; i >= 0; i--, scale /= 256) {
    size += (head[sizeAt + i] ?? 0) * scale;
  }
  return Math.min(size, 128 * MIB);
}

/**
 * The xz file format, 3.1 and 5.3.1: the first block's header is behind the stream's 12 bytes;
 * its flags tell whether sizes (variable integers) precede the filters. LZMA2 is filter 0x21.
 */
function xzDictionary(head: Uint8Array): number {
  const flags = head[13] ?? 0;
  let at = 14;
  for (const flag of [0x40, 0x80]) if ((flags & flag) !== 0) at = behindInteger(head, at);
  for (let filter = 0; filter <= (flags & 3); filter++) {
    const [id = 0, size = 0, bits = 0] = head.subarray(at, at + 3);
    if (id === 0x21 && size === 1) return (2 | (bits & 1)) * 2 ** ((Math.min(bits, 40) >> 1) + 11);
    at += 2 + size;
  }
  return 64 * MIB;
}

function behindInteger(head: Uint8Array, start: number): number {
  let at = start;
  while (at < head.length && (head[at]! & 0x80) !== 0) at++;
  return at + 1;
}
