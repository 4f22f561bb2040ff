import { createHash } from "node:crypto";
import { decompress } from "./decompress.ts";
import type { InflateOptions } from "./options.ts";

/** Digests and decompresses `chunks`: what lies in no file. */
export async function* inflateStream(
  chunks: AsyncIterable<Uint8Array>,
  { name, signal, onDigest }: InflateOptions,
): AsyncGenerator<Uint8Array> {
  const hash = createHash("sha256");
  yield* decompress(digested(chunks, hash), { name, signal });
  onDigest?.(hash.digest("hex"));
}

async function* digested(
  chunks: AsyncIterable<Uint8Array>,
  hash: ReturnType<typeof createHash>,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    hash.update(chunk);
    yield chunk;
  }
}
