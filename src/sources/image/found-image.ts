import type { Digest, ImageConfig, ImageManifest } from "../../formats/oci/index.ts";
import type { FileRegion } from "../../host/index.ts";

/** A blob that lies on this machine: a file, or a stretch of an archive. */
export type StoredBlob = FileRegion;

/** An image whose documents are read and verified, wherever it comes from; its layers may be far. */
export interface FoundImage {
  /** As the user wrote it, or complete; safe to print. */
  readonly reference: string;
  /** Of the manifest; of the config (Docker's image id) where an archive has no manifest. */
  readonly manifestDigest: Digest;
  readonly manifest: ImageManifest;
  readonly config: ImageConfig;
  /**
   * What the layers' stored bytes are checked by: the manifest's digests and then the config's
   * diff_ids (the default), or the diff_ids alone, where nothing names the stored bytes.
   */
  readonly layersNamedBy?: "manifest" | "diff_ids";
  /** Brings the layer (0 is the lowest) onto this machine, if it is not there. */
  layerBlob(index: number, signal?: AbortSignal): Promise<StoredBlob>;
  /** Told when a layer's bytes are not what its digest says: a store sets them aside. */
  readonly damaged?: (index: number) => void;
}
