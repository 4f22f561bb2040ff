import { join } from "node:path";
import * as v from "valibot";
import {
  commitFile,
  explainFullDisk,
  FileStorage,
  listDirectory,
  lockFile,
  movePath,
  removePath,
  touch,
  tryLockFile,
  type FileLock,
} from "../host/index.ts";
import { sparseDigestOfFile } from "./digest.ts";
import { isSameState, stateOf } from "./file-state.ts";
import { imageSchema, type ImageFacts, type ImageRecord } from "./image-record.ts";
import { ownDirectory, type StoreLayout } from "./layout.ts";
import { readRecord, writeRecord } from "./records.ts";
import { temporaryOf, tryRemove, type TemporaryFile } from "./temporary-file.ts";

/** A finished image that stays as long as this is not disposed. */
export interface StoredImage extends Disposable {
  readonly path: string;
  readonly facts: ImageFacts;
}

/** A finished image in a list. */
export interface ListedImage {
  readonly key: string;
  readonly facts: ImageFacts;
  readonly sizeBytes: number;
  /** Of its last use: seconds since 1970. */
  readonly usedAt: number;
}

const IMAGE_MODE = 0o444;

/** How an image is made. */
export interface MakeOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called once when another process is making the same image, and is waited for. */
  readonly onWait?: (() => void) | undefined;
}

/**
 * Finished images by key: a digest of all that they follow from. Each has a directory with the
 * image itself, a record, and a lock that is held shared while a machine runs from it.
 */
export class ImageStore {
  readonly #layout: StoreLayout;

  constructor(layout: StoreLayout) {
    this.#layout = layout;
  }

  /**
   * The image of `key`. One whose file nobody touched is used; where the file is not the
   * recorded one its digest decides, and a damaged one is set aside (S3).
   */
  async find(key: string, signal?: AbortSignal): Promise<StoredImage | undefined> {
    if (this.#recordOf(key) === undefined) return undefined;
    const lock = await lockFile(this.#lockOf(key), { mode: "shared", signal });
    try {
      const record = this.#recordOf(key);
      if (record !== undefined && (await this.#isWhole(key, record, signal))) {
        touch(lock.path);
        return this.#stored(key, record.facts, lock);
      }
    } catch (error) {
      lock[Symbol.dispose]();
      throw error;
    }
    lock[Symbol.dispose]();
    return undefined;
  }

  /**
   * The image of `key`, made by `write` where it is not there. Of several processes one makes
   * it; the others wait and find it.
   */
  async make(
    key: string,
    write: (storage: FileStorage) => Promise<ImageFacts>,
    options: MakeOptions = {},
  ): Promise<StoredImage> {
    using making = await this.lockKey(key, options);
    const meanwhile = await this.find(key, options.signal);
    if (meanwhile !== undefined) return meanwhile;
    try {
      const facts = await this.#write(making.path, write, options);
      return await this.#publish(key, making.path, facts);
    } catch (error) {
      throw explainFullDisk(error, { path: making.path });
    }
  }

  /** While it is held nobody else makes the image of `key`; the file it names goes with it. */
  async lockKey(key: string, options: MakeOptions = {}): Promise<TemporaryFile> {
    ownDirectory(this.#layout.tmp);
    const path = join(this.#layout.tmp, `${key}.image`);
    return temporaryOf(await lockFile(path, { mode: "exclusive", ...options }));
  }

  /** All whole images, by key. */
  list(): readonly ListedImage[] {
    return listDirectory(this.#layout.images).flatMap(({ name: key }) => {
      const record = this.#recordOf(key);
      if (record === undefined) return [];
      const used = listDirectory(this.directoryOf(key)).find(({ name }) => name === LOCK);
      const { facts, state } = record;
      const { sizeBytes } = state;
      return [{ key, facts, sizeBytes, usedAt: used?.changedAt ?? 0 }];
    });
  }

  /** Removes an image unless a machine runs from it; false then. */
  async remove(key: string): Promise<boolean> {
    using lock = await tryLockFile(this.#lockOf(key), { mode: "exclusive" });
    if (lock === undefined) return false;
    this.removeAnyway(key);
    return true;
  }

  /** Whether the file of a recorded image has the recorded bytes, whatever its times say. */
  async verify(key: string, signal?: AbortSignal): Promise<boolean> {
    const record = this.#recordOf(key);
    const path = this.imageOf(key);
    if (record === undefined || stateOf(path)?.sizeBytes !== record.state.sizeBytes) return false;
    return (await sparseDigestOfFile(path, signal)) === record.digest;
  }

  /** Whether a machine runs from the image of `key`. */
  async isInUse(key: string): Promise<boolean> {
    using lock = await tryLockFile(this.#lockOf(key), { mode: "exclusive" });
    return lock === undefined;
  }

  /** Removes an image that a machine may run from: it keeps the file it has open. */
  removeAnyway(key: string): void {
    // The record first: without it the rest is nothing.
    for (const name of [RECORD, IMAGE]) removePath(join(this.directoryOf(key), name));
    removePath(this.directoryOf(key));
  }

  /** The file of the image of `key`. */
  imageOf(key: string): string {
    return join(this.directoryOf(key), IMAGE);
  }

  /** What belongs to the image of `key`. */
  directoryOf(key: string): string {
    return join(this.#layout.images, key);
  }

  async #write(
    path: string,
    write: (storage: FileStorage) => Promise<ImageFacts>,
    { signal }: MakeOptions,
  ): Promise<{ readonly facts: ImageFacts; readonly digest: string }> {
    using storage = new FileStorage(path, "update");
    storage.setSize(0);
    const facts = await write(storage);
    // Reading it back keeps the processor busy while the disk is.
    const synced = storage.sync();
    const [digest] = await Promise.all([sparseDigestOfFile(path, signal), synced]);
    return { facts, digest };
  }

  async #publish(
    key: string,
    from: string,
    { facts, digest }: { readonly facts: ImageFacts; readonly digest: string },
  ): Promise<StoredImage> {
    ownDirectory(this.#layout.images);
    ownDirectory(this.directoryOf(key));
    const lock = await lockFile(this.#lockOf(key), { mode: "shared" });
    try {
      commitFile(from, this.imageOf(key), IMAGE_MODE);
      await this.#writeRecord(key, facts, digest);
      return this.#stored(key, facts, lock);
    } catch (error) {
      // A record that the disk did not confirm is none.
      tryRemove(join(this.directoryOf(key), RECORD));
      lock[Symbol.dispose]();
      throw error;
    }
  }

  async #writeRecord(key: string, facts: ImageFacts, digest: string): Promise<void> {
    const state = stateOf(this.imageOf(key))!;
    const manifests = [...facts.manifests];
    const record: ImageRecord = { wick: 1, facts: { ...facts, manifests }, digest, state };
    await writeRecord(join(this.directoryOf(key), RECORD), record);
  }

  async #isWhole(key: string, record: ImageRecord, signal?: AbortSignal): Promise<boolean> {
    const path = this.imageOf(key);
    const state = stateOf(path);
    if (isSameState(state, record.state)) return true;
    if (state?.sizeBytes === record.state.sizeBytes) {
      if ((await sparseDigestOfFile(path, signal)) === record.digest) {
        await this.#writeRecord(key, record.facts, record.digest);
        return true;
      }
    }
    this.setAside(key);
    return false;
  }

  /** Takes a damaged image out of the way, so that it is made again. */
  setAside(key: string): void {
    removePath(join(this.directoryOf(key), RECORD));
    const path = this.imageOf(key);
    if (stateOf(path) === undefined) return;
    movePath(path, join(ownDirectory(this.#layout.damaged), `${key}.image`));
  }

  #stored(key: string, facts: ImageFacts, lock: FileLock): StoredImage {
    return { path: this.imageOf(key), facts, [Symbol.dispose]: () => lock[Symbol.dispose]() };
  }

  #recordOf(key: string): ImageRecord | undefined {
    const result = v.safeParse(imageSchema, readRecord(join(this.directoryOf(key), RECORD)));
    return result.success ? result.output : undefined;
  }

  #lockOf(key: string): string {
    return join(this.directoryOf(key), LOCK);
  }
}

const RECORD = "image.json";
const IMAGE = "root.image";
const LOCK = "lock";
