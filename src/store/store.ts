import { lockFile, makePrivateDirectory, tryLockFile, type FileLock } from "../host/index.ts";
import { BlobStore } from "./blobs.ts";
import { claimPath, claimTapIn } from "./claims.ts";
import { ImageStore } from "./images.ts";
import { ownDirectory, storeLayout, type StoreLayout } from "./layout.ts";
import { removeLeftovers } from "./leftovers.ts";
import { NameStore } from "./names.ts";
import { PlaceStore } from "./places.ts";
import { referencedBlobs } from "./references.ts";
import type { TapClaim } from "./tap-claims.ts";
import { makeSpool, type SpoolFile } from "./spool.ts";
import { hasLeftovers, sweep } from "./sweep.ts";

/** What wick keeps between commands: blobs by digest, what names resolved to, finished images. */
export class Store {
  readonly blobs: BlobStore;
  readonly names: NameStore;
  readonly images: ImageStore;
  readonly places: PlaceStore;
  readonly layout: StoreLayout;
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
    this.layout = storeLayout(directory);
    this.blobs = new BlobStore(this.layout);
    this.names = new NameStore(this.layout);
    this.images = new ImageStore(this.layout);
    this.places = new PlaceStore(this.layout);
  }

  /**
   * Until it is disposed, no other command removes what is in the store (S6). What commands
   * that are gone left half-made is swept first, unless another one is at work.
   */
  async use(signal?: AbortSignal): Promise<FileLock> {
    this.#makeDirectories();
    if (hasLeftovers(this.layout)) await this.#sweepAlone(signal);
    return lockFile(this.layout.lock, { mode: "shared", signal });
  }

  async #sweepAlone(signal?: AbortSignal): Promise<void> {
    using alone = await tryLockFile(this.layout.lock, { mode: "exclusive", signal });
    if (alone !== undefined) await sweep(this.layout);
  }

  /** For who removes: waits until nobody uses the store, and keeps everybody from it. */
  async useAlone(signal?: AbortSignal, onWait?: () => void): Promise<FileLock> {
    this.#makeDirectories();
    const lock = await lockFile(this.layout.lock, { mode: "exclusive", signal, onWait });
    try {
      await sweep(this.layout);
      return lock;
    } catch (error) {
      lock[Symbol.dispose]();
      throw error;
    }
  }

  /**
   * Ends a use that filled the disk (S5): what it fetched and named goes again, unless another
   * name needs it or another command is at work.
   */
  async giveBack(use: FileLock): Promise<void> {
    use[Symbol.dispose]();
    using alone = await tryLockFile(this.layout.lock, { mode: "exclusive" });
    if (alone === undefined) return;
    await this.names.undo();
    const needed = referencedBlobs(this.names.list(), this.blobs);
    for (const digest of this.blobs.fetched) if (!needed.has(digest)) this.blobs.remove(digest);
  }

  #makeDirectories(): void {
    makePrivateDirectory(this.#directory);
    ownDirectory(this.layout.tmp);
  }

  /**
   * For who uses the store alone: removes parts of downloads, damaged files, and what remembers
   * outputs that are gone, where they were not touched since `before` (seconds since 1970).
   * Returns what they took on the disk.
   */
  removeLeftovers(before: number): number {
    return removeLeftovers(this.layout, { before, isOfUse: (key) => this.places.has(key) });
  }

  /** A temporary file that goes with its owner, however that ends. */
  spool(): Promise<SpoolFile> {
    return makeSpool(this.layout);
  }

  /**
   * Marks a temporary outside the store as ours: removed by the next command once we are gone;
   * so is the cgroup `group`, once it is empty.
   */
  claim(path: string, group?: string): Promise<Disposable> {
    return claimPath(this.layout, { path, group });
  }

  /** The same for a TAP that is to be made: its name, and what is to be written on it. */
  claimTap(): Promise<TapClaim> {
    return claimTapIn(this.layout);
  }
}

/** The store in `directory`, wick's cache; nothing is made before it is needed. */
export function openStore(options: { readonly directory: string }): Store {
  return new Store(options.directory);
}
