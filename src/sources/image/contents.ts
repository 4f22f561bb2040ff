import { configFromImage, showPlatform } from "../../formats/oci/index.ts";
import type { SourceContents } from "../source.ts";
import type { FoundImage } from "./found-image.ts";
import { blobLayer } from "./layer.ts";

/** An image's layers and config as a source's contents; layers are brought here when they are played. */
export function imageContents(found: FoundImage): SourceContents {
  const { reference, manifest, config, layersNamedBy } = found;
  const layers = manifest.layers.map((descriptor, index) =>
    blobLayer({
      name: `layer ${index + 1} of ${reference}`,
      blob: (signal) => found.layerBlob(index, signal),
      descriptor: layersNamedBy === "diff_ids" ? undefined : descriptor,
      diffId: config.rootfs.diff_ids[index]!,
      damaged: () => found.damaged?.(index),
    }),
  );
  return {
    layers,
    config: configFromImage(config, reference),
    identity: `image ${found.manifestDigest} ${showPlatform(config)}`,
    parts: manifest.layers.map(({ digest, size }) => ({ name: digest, sizeBytes: size })),
  };
}
