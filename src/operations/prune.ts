import { parseDuration } from "../config/index.ts";
import { allocatedBytes, unixSeconds, wickDirectories } from "../host/index.ts";
import { openStore, referencedBlobs, type Store, type StoredName } from "../store/index.ts";
import type { Context } from "./common/context.ts";
import type { Removed } from "./rmi.ts";

/** What `prune` is asked for. */
export interface PruneOptions {
  /** Also names, and all finished images that no machine boots from. */
  readonly all?: boolean;
  /** Only what was not used for that long: `24h`, `90m`. */
  readonly until?: string;
}

/**
 * Removes what nothing needs: blobs that no name needs, images built from what no name stands
 * for any more, parts of downloads, damaged files. Nothing that a machine boots from goes.
 */
export async function prune(options: PruneOptions, context: Context): Promise<Removed> {
  const before = beforeOf(options);
  const store = openStore({ directory: wickDirectories(context.environment).cache });
  const message = "other wick commands use the store: waiting for them";
  const onWait = (): void => context.onEvent({ type: "note", message });
  using _ = await store.useAlone(context.signal, onWait);
  const pruning = new Pruning(store, { all: options.all === true, before });
  return pruning.run();
}

/** A hundred years: longer than any filter means. */
const UNTIL_MAX_MS = 100 * 366 * 24 * 3_600_000;

function beforeOf({ until }: PruneOptions): number {
  if (until === undefined) return Infinity;
  const unusedMs = parseDuration(until, "the time of a filter", UNTIL_MAX_MS);
  return unixSeconds() - Math.floor(unusedMs / 1000);
}

class Pruning {
  readonly #store: Store;
  readonly #all: boolean;
  /** Only what was used before this: seconds since 1970. */
  readonly #before: number;
  readonly #untagged: string[] = [];
  readonly #deleted: string[] = [];
  #bytes = 0;

  constructor(store: Store, options: { readonly all: boolean; readonly before: number }) {
    this.#store = store;
    this.#all = options.all;
    this.#before = options.before;
  }

  async run(): Promise<Removed> {
    if (this.#all) await this.#pruneNames();
    await this.#pruneImages();
    this.#pruneBlobs();
    this.#bytes += this.#store.removeLeftovers(this.#before);
    return { untagged: this.#untagged, deleted: this.#deleted, reclaimedBytes: this.#bytes };
  }

  /** A name stays while a machine runs from it, or it was used lately. */
  async #pruneNames(): Promise<void> {
    const images = this.#store.images.list();
    for (const name of this.#store.names.list()) {
      const built = images.filter(({ facts }) => facts.manifests.includes(name.manifestDigest));
      const usedAt = Math.max(name.at, ...built.map((image) => image.usedAt));
      const inUse = await this.#anyInUse(built.map(({ key }) => key));
      if (inUse || usedAt >= this.#before) continue;
      this.#store.names.remove(name.reference, name.platform);
      this.#untagged.push(name.reference);
    }
  }

  async #anyInUse(keys: readonly string[]): Promise<boolean> {
    for (const key of keys) if (await this.#store.images.isInUse(key)) return true;
    return false;
  }

  async #pruneImages(): Promise<void> {
    const named = new Set<string>(this.#store.names.list().map(digestOf));
    for (const { key, facts, usedAt } of this.#store.images.list()) {
      const isStale =
        facts.manifests.length > 0 && !facts.manifests.some((digest) => named.has(digest));
      if (!(this.#all || isStale) || usedAt >= this.#before) continue;
      const bytes = allocatedBytes(this.#store.images.imageOf(key));
      if (!(await this.#store.images.remove(key))) continue;
      this.#deleted.push(key);
      this.#bytes += bytes;
    }
  }

  #pruneBlobs(): void {
    const needed = referencedBlobs(this.#store.names.list(), this.#store.blobs);
    for (const { digest, sizeBytes, changedAt } of this.#store.blobs.list()) {
      if (needed.has(digest) || changedAt >= this.#before) continue;
      this.#store.blobs.remove(digest);
      this.#deleted.push(digest);
      this.#bytes += sizeBytes;
    }
  }
}

function digestOf({ manifestDigest }: StoredName): string {
  return manifestDigest;
}
