import { createHash } from "node:crypto";
import { decompress } from "../compression/index.ts";
import { isWickError, WickError } from "../errors/index.ts";
import { TarReader } from "../formats/tar/index.ts";
import type { Layer, LayerVisitor } from "../tree/index.ts";

/** Opens an archive's bytes, compressed or not. */
export type OpenBytes = (signal?: AbortSignal) => AsyncIterable<Uint8Array>;

/**
 * A tar archive, compressed in any way, as a layer; `name` is for messages, its digest that
 * of the archive's bytes as they are stored.
 */
export function archiveLayer(name: string, open: OpenBytes): Layer {
  // Of the archive as it lies there, compressed: less to digest than what it unpacks to.
  let hash = createHash("sha256");
  const digested = async function* (signal?: AbortSignal): AsyncGenerator<Uint8Array> {
    hash = createHash("sha256");
    for await (const chunk of open(signal)) {
      hash.update(chunk);
      yield chunk;
    }
  };
  return {
    name,
    digest: () => hash.copy().digest("hex"),
    async play(visitor: LayerVisitor, signal?: AbortSignal): Promise<void> {
      try {
        const reader = new TarReader(visitor);
        for await (const chunk of decompress(digested(signal), { name, signal }))
          reader.push(chunk);
        reader.end();
      } catch (error) {
        throw inArchive(error, name);
      }
    },
  };
}

/** Names the archive in an error of the tar reader, which does not know it. */
function inArchive(error: unknown, name: string): unknown {
  if (!isWickError(error, "ARCHIVE_INVALID", "ARCHIVE_LIMIT")) return error;
  return new WickError(error.code, `${error.message} (in ${name})`, {
    cause: error,
    ...(error.hint === undefined ? {} : { hint: error.hint }),
  });
}
