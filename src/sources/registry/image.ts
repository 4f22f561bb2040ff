import { sanitise } from "../../bytes/index.ts";
import { showReference } from "../../formats/oci/index.ts";
import { fetchBlob, type FindOptions, type KnownImage, recordName } from "./find-image.ts";
import { LayerDownloads } from "./layers.ts";

/** Bytes of all layers that are not in the store yet. */
export interface DownloadProgress {
  readonly doneBytes: number;
  readonly totalBytes: number;
}

/** An image's layers on their way into the store. */
export class ImageLayers {
  readonly #image: KnownImage;
  readonly #options: FindOptions;
  readonly #onProgress: ((progress: DownloadProgress) => void) | undefined;
  readonly #downloads: LayerDownloads;
  /** Bytes that are there, by digest: an image may hold one layer twice. */
  readonly #there = new Map<string, number>();
  #pending: number;
  /** Bytes that are to be downloaded. */
  readonly missingBytes: number;

  constructor(
    image: KnownImage,
    options: FindOptions,
    onProgress?: (progress: DownloadProgress) => void,
  ) {
    this.#image = image;
    this.#options = options;
    this.#onProgress = onProgress;
    const { layers } = image.manifest;
    this.#pending = layers.length;
    const missing = new Map(layers.map((layer) => [layer.digest, layer] as const));
    for (const [digest, layer] of missing) {
      if (options.store.blobs.find(layer) !== undefined) missing.delete(digest);
    }
    this.missingBytes = [...missing.values()].reduce((sum, { size }) => sum + size, 0);
    for (const digest of missing.keys()) this.#there.set(digest, 0);
    this.#downloads = new LayerDownloads(layers, (index, signal) => this.#fetch(index, signal));
  }

  /** The path of the layer's blob, once it is whole; the first call begins with all of them. */
  path(index: number, signal?: AbortSignal): Promise<string> {
    return this.#downloads.path(index, signal);
  }

  /** Ends what is under way. */
  stop(): void {
    this.#downloads.stop();
  }

  /** All of them, lowest first. */
  async all(signal?: AbortSignal): Promise<readonly string[]> {
    if (this.#pending === 0) await recordName(this.#image, this.#options);
    return await this.#downloads.paths(signal);
  }

  async #fetch(index: number, signal: AbortSignal): Promise<string> {
    const { reference, manifest } = this.#image;
    const descriptor = manifest.layers[index]!;
    const name = `layer ${index + 1} of ${sanitise(showReference(reference))}`;
    const onBytes = (bytes: number): void => this.#tell(descriptor.digest, bytes);
    const blob = { reference, descriptor, name, onBytes };
    const path = await fetchBlob(blob, { ...this.#options, signal });
    if (this.#there.has(descriptor.digest)) this.#tell(descriptor.digest, descriptor.size);
    // The last one to come makes the image whole.
    if (--this.#pending === 0) await recordName(this.#image, this.#options);
    return path;
  }

  #tell(digest: string, bytes: number): void {
    this.#there.set(digest, bytes);
    const doneBytes = [...this.#there.values()].reduce((sum, each) => sum + each, 0);
    this.#onProgress?.({ doneBytes, totalBytes: this.missingBytes });
  }
}
