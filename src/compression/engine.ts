import { pipeline, type Transform } from "node:stream";
import { isZero } from "../bytes/index.ts";
import { WickError } from "../errors/index.ts";
import { readAhead } from "./read-ahead.ts";

/** Output comes in pieces of 1 MiB: with the default of 16 KiB zlib runs at a quarter of the speed. */
export const OUTPUT_CHUNK_BYTES = 1 << 20;

/** Options of a node:zlib engine that works in the thread pool while the receiver has a chunk. */
export const engineOptions = {
  chunkSize: OUTPUT_CHUNK_BYTES,
  // Pieces and not bytes are counted: a stream of bytes would copy waiting pieces into one.
  readableObjectMode: true,
  readableHighWaterMark: 4,
  // One byte: the next input is only taken when the last is used up, so bytesWritten is exact.
  writableHighWaterMark: 1,
} as const;

/** A node:zlib stream; `bytesWritten` counts the input that the engine used. */
export type Engine = Transform & { readonly bytesWritten: number };

/** Runs `input` through a node:zlib engine; what follows the end of the data must be zeros. */
export async function* throughEngine(
  engine: Engine,
  input: AsyncIterable<Uint8Array>,
  name: string,
): AsyncGenerator<Uint8Array> {
  let failure: unknown;
  const finished = new Promise<void>((resolve) => {
    pipeline(untilEnd(engine, readAhead(input), name), engine, (error) => {
      failure = error;
      resolve();
    });
  });
  try {
    yield* engine as AsyncIterable<Uint8Array>;
    await finished;
    if (failure !== null && failure !== undefined) throw failure;
  } catch (error) {
    throw engineError(error, name);
  } finally {
    engine.destroy();
  }
}

/**
 * The input as long as the engine takes it. node:zlib stops at what is not its data without a
 * word: the rest is looked at here. Zeros pad files to blocks; anything else is refused, as by
 * Go's reader (and so by Docker) and by tar, which stops at gzip's "trailing garbage".
 */
async function* untilEnd(
  engine: Engine,
  input: AsyncIterable<Uint8Array>,
  name: string,
): AsyncGenerator<Uint8Array> {
  let given = 0;
  let ended = false;
  for await (const chunk of input) {
    if (chunk.length === 0) continue;
    if (ended) {
      refuseJunk(chunk, name);
      continue;
    }
    given += chunk.length;
    yield chunk;
    const left = given - engine.bytesWritten;
    ended = left > 0;
    if (ended) refuseJunk(chunk.subarray(chunk.length - left), name);
  }
}

function refuseJunk(rest: Uint8Array, name: string): void {
  if (isZero(rest)) return;
  throw new WickError(
    "COMPRESSION_INVALID",
    `Cannot decompress ${name}: other data follows its end, wanted nothing or zeros`,
  );
}

const words: Readonly<Record<string, string>> = {
  Z_BUF_ERROR: "it is truncated",
  Z_DATA_ERROR: "it is damaged",
};

function engineError(error: unknown, name: string): unknown {
  const { code, message } = error as { code?: unknown; message?: unknown };
  if (typeof code !== "string" || !/^(Z_|ZSTD_|ERR_ZLIB)/.test(code)) return error;
  const what = words[code] ?? "it is damaged";
  const said = code === "Z_BUF_ERROR" ? "" : ` (${String(message)})`;
  return new WickError("COMPRESSION_INVALID", `Cannot decompress ${name}: ${what}${said}`, {
    cause: error,
  });
}
