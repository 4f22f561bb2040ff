import { Readable } from "node:stream";
import { createGzip } from "node:zlib";
import type { Compression } from "../../config/index.ts";
import { WickError } from "../../errors/index.ts";
import { pipeThroughTool, requireProgram } from "../../host/index.ts";

const PURPOSE = "compress the initramfs";

/** How a program is asked for what every kernel unpacks, always in the same bytes. */
interface Compressor {
  readonly levels: readonly [least: number, most: number];
  readonly level: number;
  /** Before the level. */
  readonly words: readonly string[];
}

const compressors: Readonly<Record<string, Compressor>> = {
  gzip: { levels: [1, 9], level: 9, words: [] },
  // Above 19 its windows outgrow what kernels give it (lib/decompress_unzstd.c).
  zstd: { levels: [1, 19], level: 9, words: ["-q", "-c", "--single-thread"] },
  // The kernel knows no other check than CRC32 (Documentation/staging/xz.rst).
  xz: { levels: [0, 9], level: 6, words: ["-q", "-c", "-T1", "--check=crc32"] },
  // The legacy frame is the only one that it reads (lib/decompress_unlz4.c).
  lz4: { levels: [1, 12], level: 9, words: ["-q", "-c", "-l"] },
};

/** Refuses a level that there is not (USAGE) and a program that is not there (TOOL_MISSING). */
export function checkCompressor({ name, level }: Compression): void {
  const { levels } = compressors[name]!;
  if (level !== undefined && (level < levels[0] || level > levels[1])) {
    throw new WickError(
      "USAGE",
      `Cannot compress an initramfs with "${name},${level}": wanted a level from ${levels[0]} to ${levels[1]}`,
    );
  }
  if (name !== "gzip") requireProgram(name, PURPOSE);
}

/** `chunks` compressed for a kernel. */
export function compressed(
  chunks: AsyncIterable<Uint8Array>,
  { name, level: given }: Compression,
  signal: AbortSignal | undefined,
): AsyncIterable<Uint8Array> {
  const { words, level: usual } = compressors[name]!;
  const level = given ?? usual;
  if (name === "gzip") return gzipped(chunks, level);
  const args = [...words, `-${level}`];
  return pipeThroughTool(name, args, { purpose: PURPOSE, input: chunks, signal });
}

/** node:zlib writes neither a name nor a time into the header. */
async function* gzipped(
  chunks: AsyncIterable<Uint8Array>,
  level: number,
): AsyncGenerator<Uint8Array> {
  const engine = createGzip({ level, chunkSize: 1 << 18 });
  const input = Readable.from(chunks);
  input.on("error", (error) => engine.destroy(error));
  try {
    yield* input.pipe(engine) as AsyncIterable<Uint8Array>;
  } finally {
    input.destroy();
    engine.destroy();
  }
}
