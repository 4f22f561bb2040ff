import type { InflateOptions } from "../compression/index.ts";
import { inArchive } from "../errors/index.ts";
import { TarReader } from "../formats/tar/index.ts";
import type { Layer, LayerVisitor } from "../tree/index.ts";

/** Opens an archive's plain bytes; `onDigest` is told the SHA-256 of how they are stored. */
export type OpenPlain = (options: InflateOptions) => AsyncIterable<Uint8Array>;

/**
 * A tar archive, compressed in any way, as a layer; `name` is for messages, its digest that
 * of the archive's bytes as they are stored: less to digest than what they unpack to.
 */
export function archiveLayer(name: string, open: OpenPlain): Layer {
  let sha256 = "";
  const onDigest = (hex: string): void => void (sha256 = hex);
  return {
    name,
    digest: () => sha256,
    async play(visitor: LayerVisitor, signal?: AbortSignal): Promise<void> {
      try {
        const reader = new TarReader(visitor);
        for await (const chunk of open({ name, signal, onDigest })) reader.push(chunk);
        reader.end();
      } catch (error) {
        throw inArchive(error, name);
      }
    },
  };
}
