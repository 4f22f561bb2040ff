/** For tests: a tar archive in memory as a layer of an image. */
import { TarReader } from "../../src/formats/tar/index.ts";
import type { Layer, LayerVisitor } from "../../src/tree/index.ts";

const CHUNK_BYTES = 65_536;

/** A layer with whiteouts, which can be played again. */
export function tarLayer(name: string, bytes: Uint8Array): Layer {
  return {
    name,
    whiteouts: "oci",
    async play(visitor: LayerVisitor): Promise<void> {
      const reader = new TarReader(visitor);
      for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
        reader.push(bytes.subarray(at, at + CHUNK_BYTES));
      }
      reader.end();
      return Promise.resolve();
    },
  };
}
