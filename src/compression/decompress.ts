import { createGunzip } from "node:zlib";
import { pipeThroughTool, throwIfAborted } from "../host/index.ts";
import { engineOptions, throughEngine } from "./engine.ts";
import { withHead } from "./head.ts";
import { type CompressionKind, kindOf, MAGIC_BYTES } from "./kinds.ts";
import type { DecompressOptions } from "./options.ts";
import { unxz } from "./xz.ts";
import { unzstd } from "./zstd.ts";

/**
 * The plain bytes of `chunks`, however they are compressed: their magic number decides, and
 * data of no known kind passes as it is. All members, streams and frames of a file are read,
 * checksums checked; a truncated or damaged file is COMPRESSION_INVALID after the bytes before
 * it. Whoever stops early, by `break` or `signal`, leaves no helper process behind.
 */
export async function* decompress(
  chunks: AsyncIterable<Uint8Array>,
  options: DecompressOptions,
): AsyncGenerator<Uint8Array> {
  const headed = await withHead(chunks, MAGIC_BYTES);
  const plain = decompressors[kindOf(headed.head)](headed.chunks, options);
  for await (const chunk of plain) {
    throwIfAborted(options.signal);
    yield chunk;
  }
}

type Decompressor = (
  chunks: AsyncIterable<Uint8Array>,
  options: DecompressOptions,
) => AsyncIterable<Uint8Array>;

const decompressors: Readonly<Record<CompressionKind, Decompressor>> = {
  gzip: (chunks, { name }) => throughEngine(createGunzip(engineOptions), chunks, name),
  zstd: unzstd,
  xz: unxz,
  bzip2: byTool("bzip2"),
  lz4: byTool("lz4"),
  none: (chunks) => chunks,
};

function byTool(program: string): Decompressor {
  return (input, { name, signal }) =>
    pipeThroughTool(program, ["-dc"], {
      purpose: `decompress ${name}`,
      input,
      signal,
      failure: "COMPRESSION_INVALID",
    });
}
