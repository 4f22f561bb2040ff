import { createHash } from "node:crypto";
import { decompress } from "./decompress.ts";
import type { InflateOptions } from "./options.ts";

/** Digests and decompresses `chunks`: what lies in no file. */
export async function* inflateStream(
  chunks: AsyncIterable<Uint8Array>,
  { name, signal, onDigest, onPlainDigest }: InflateOptions,
): AsyncGenerator<Uint8Array> {
  const plain = decompress(digested(chunks, onDigest), { name, signal });
  yield* digested(plain, onPlainDigest);
}

/** `chunks`, and at their end their SHA-256 to whoever wants it. */
async function* digested(
  chunks: AsyncIterable<Uint8Array>,
  onDigest: ((sha256: string) => void) | undefined,
): AsyncGenerator<Uint8Array> {
  if (onDigest === undefined) return yield* chunks;
  const hash = createHash("sha256");
  for await (const chunk of chunks) {
    hash.update(chunk);
    yield chunk;
  }
  onDigest(hash.digest("hex"));
}
