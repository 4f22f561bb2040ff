import { WickError } from "../errors/index.ts";
import { findProgram, pipeThroughTool, throwIfAborted } from "../host/index.ts";
import type { DecompressOptions } from "./options.ts";

/** Who decompresses xz: the program `xz`, or the library xz-decompress (half as fast). */
export type XzEngine = "tool" | "library";

/**
 * Memory that `xz` may take, in bytes: enough for a dictionary of 128 MiB, twice what `xz -9`
 * makes. A dictionary of 4 GiB is thus an error and not 4 GiB.
 */
const MEMORY_LIMIT_BYTES = 160 << 20;

/** Decompresses xz data of any number of streams. */
export function unxz(
  input: AsyncIterable<Uint8Array>,
  options: DecompressOptions,
  engine: XzEngine = findProgram("xz") === undefined ? "library" : "tool",
): AsyncIterable<Uint8Array> {
  if (engine === "library") return byLibrary(input, options);
  return pipeThroughTool("xz", ["-dc", "-q", `--memlimit-decompress=${MEMORY_LIMIT_BYTES}`], {
    purpose: `decompress ${options.name}`,
    input,
    signal: options.signal,
    failure: "COMPRESSION_INVALID",
  });
}

async function* byLibrary(
  input: AsyncIterable<Uint8Array>,
  { name, signal }: DecompressOptions,
): AsyncGenerator<Uint8Array> {
  const { XzReadableStream } = await import("xz-decompress");
  const web = new XzReadableStream(webStream(input));
  const reader = web.getReader();
  try {
    for (;;) {
      throwIfAborted(signal);
      const next = await reader.read();
      if (next.done) return;
      // The library's piece is a window into its own memory, which it fills again.
      yield next.value.slice();
    }
  } catch (error) {
    if (error instanceof WickError) throw error;
    throw new WickError(
      "COMPRESSION_INVALID",
      `Cannot decompress ${name}: it is damaged or truncated`,
      { cause: error },
    );
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

function webStream(input: AsyncIterable<Uint8Array>): ReadableStream<Uint8Array> {
  const iterator = input[Symbol.asyncIterator]();
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const next = await iterator.next();
      if (next.done === true) controller.close();
      else controller.enqueue(next.value);
    },
    async cancel() {
      await iterator.return?.();
    },
  });
}
