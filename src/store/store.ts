import { lockFile, makePrivateDirectory, type FileLock } from "../host/index.ts";
import { BlobStore } from "./blobs.ts";
import { storeLayout, type StoreLayout } from "./layout.ts";
import { NameStore } from "./names.ts";
import { makeSpool, type SpoolFile } from "./spool.ts";

/** What wick keeps between commands: blobs by digest, what names resolved to, finished images. */
export class Store {
  readonly blobs: BlobStore;
  readonly names: NameStore;
  readonly #layout: StoreLayout;
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
    this.#layout = storeLayout(directory);
    this.blobs = new BlobStore(this.#layout);
    this.names = new NameStore(this.#layout);
  }

  /** A temporary file that goes with its owner, however that ends. */
  spool(): Promise<SpoolFile> {
    return makeSpool(this.#layout);
  }

  /** Until it is disposed, no other command removes what is in the store (S6). */
  async use(signal?: AbortSignal): Promise<FileLock> {
    makePrivateDirectory(this.#directory);
    return lockFile(this.#layout.lock, { mode: "shared", signal });
  }
}

/** The store in `directory`, wick's cache; nothing is made before it is needed. */
export function openStore(options: { readonly directory: string }): Store {
  return new Store(options.directory);
}
