import { join } from "node:path";
import { WickError } from "../errors/index.ts";
import type { Digest } from "../formats/oci/index.ts";
import {
  commitFile,
  explainFullDisk,
  freeBytes,
  listDirectory,
  lockFile,
  movePath,
  readSmallFile,
  removePath,
  statOf,
} from "../host/index.ts";
import { digestOf, digestOfFile } from "./digest.ts";
import { hexOf, ownDirectory, type BlobId, type StoreLayout } from "./layout.ts";
import { PartFile, type PartialBlob } from "./partial-blob.ts";
import { tryRemove } from "./temporary-file.ts";

/** Transfers what is missing of a blob into `part`; may be called again, after a `restart`. */
export type Download = (part: PartialBlob, signal: AbortSignal | undefined) => Promise<void>;

/** How a blob is fetched. */
export interface FetchOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called once when another process is fetching the same blob, and is waited for. */
  readonly onWait?: (() => void) | undefined;
}

/** A blob in a list. */
export interface ListedBlob {
  readonly digest: Digest;
  readonly sizeBytes: number;
  /** When it came: seconds since 1970. */
  readonly changedAt: number;
}

const BLOB_MODE = 0o444;

/** The most that `read` takes into memory unless told otherwise: a manifest's bound (R8). */
const DOCUMENT_MAX_BYTES = 4 << 20;

/** Bytes by their digest. What lies here is whole: written, synced, and only then named. */
export class BlobStore {
  readonly #layout: StoreLayout;
  readonly #fetched = new Set<Digest>();
  #setAside = 0;

  constructor(layout: StoreLayout) {
    this.#layout = layout;
  }

  /** How many blobs were found damaged and set aside so far. */
  get setAsideCount(): number {
    return this.#setAside;
  }

  /** Digests of the blobs that came here through this object. */
  get fetched(): ReadonlySet<Digest> {
    return this.#fetched;
  }

  /** Where a blob lies or would lie. */
  pathOf(digest: string): string {
    return join(this.#layout.blobs, hexOf(digest));
  }

  /** The absolute path of a whole blob; one of another size is set aside (S3). */
  find({ digest, size }: BlobId): string | undefined {
    const path = this.pathOf(digest);
    const status = statOf(path);
    if (status === undefined) return undefined;
    if (status.isFile() && status.size === size) return path;
    this.setAside(digest);
    return undefined;
  }

  /**
   * The path of the blob, transferred by `download` where it is not there. Of several processes
   * one transfers, and goes on where a former one was cut off; the others wait and find it.
   * DIGEST_MISMATCH when it is not what its digest and size say.
   */
  async fetch(id: BlobId, download: Download, options: FetchOptions = {}): Promise<string> {
    const there = this.find(id);
    if (there !== undefined) return there;
    ownDirectory(this.#layout.blobs);
    const part = join(ownDirectory(this.#layout.tmp), `${hexOf(id.digest)}.part`);
    using lock = await lockFile(part, { mode: "exclusive", ...options });
    const { path } = lock;
    const meanwhile = this.find(id);
    if (meanwhile !== undefined) {
      tryRemove(path);
      return meanwhile;
    }
    try {
      return await this.#transfer(id, path, (part) => download(part, options.signal));
    } catch (error) {
      // What arrived is kept for the next attempt, unless it is wrong or fills the disk.
      const explained = explainFullDisk(error, { path, neededBytes: id.size });
      if (!isWorthKeeping(error, path)) tryRemove(path);
      throw explained;
    }
  }

  /**
   * The bytes of a small blob, digested at each reading; undefined when it is not there, or was
   * found damaged and is set aside.
   */
  read(id: BlobId, limitBytes = DOCUMENT_MAX_BYTES): Uint8Array | undefined {
    if (id.size > limitBytes) {
      throw new WickError(
        "ARCHIVE_LIMIT",
        `Cannot read the blob ${id.digest}: ${id.size} bytes, wanted at most ${limitBytes}`,
      );
    }
    const path = this.find(id);
    if (path === undefined) return undefined;
    const bytes = readSmallFile(path, limitBytes);
    if (digestOf(bytes) === id.digest) return bytes;
    this.setAside(id.digest);
    return undefined;
  }

  /** Keeps a small blob. */
  async put(bytes: Uint8Array): Promise<BlobId> {
    const id = { digest: digestOf(bytes), size: bytes.length };
    await this.fetch(id, async (part) => {
      part.restart();
      part.write(bytes);
    });
    return id;
  }

  /** All blobs, by digest; what has no digest's name is left out. */
  list(): readonly ListedBlob[] {
    return listDirectory(this.#layout.blobs).flatMap(({ name, sizeBytes, changedAt }) =>
      /^[0-9a-f]{64}$/.test(name) ? [{ digest: `sha256:${name}`, sizeBytes, changedAt }] : [],
    );
  }

  /** Whether a blob's bytes are those that it is named by. */
  async verify(digest: Digest, signal?: AbortSignal): Promise<boolean> {
    return (await digestOfFile(this.pathOf(digest), signal)) === digest;
  }

  /** For who uses the store alone. */
  remove(digest: Digest): void {
    removePath(this.pathOf(digest));
  }

  /** Takes a damaged blob out of the way, so that it is fetched again. */
  setAside(digest: string): void {
    if (statOf(this.pathOf(digest)) === undefined) return;
    const to = join(ownDirectory(this.#layout.damaged), hexOf(digest));
    movePath(this.pathOf(digest), to);
    this.#setAside++;
  }

  async #transfer(
    id: BlobId,
    path: string,
    download: (part: PartialBlob) => Promise<void>,
  ): Promise<string> {
    using part = await PartFile.open(path, id);
    this.#checkSpace(id, part.sizeBytes);
    if (part.sizeBytes === id.size && part.problem() !== undefined) part.restart();
    const continuedAt = part.sizeBytes;
    if (part.problem() !== undefined) await download(part);
    // A former part may be what a power cut left of it: once more, from the beginning.
    if (part.problem() !== undefined && continuedAt > 0) {
      part.restart();
      await download(part);
    }
    const problem = part.problem();
    if (problem !== undefined) throw problem;
    await part.sync();
    const to = this.pathOf(id.digest);
    commitFile(path, to, BLOB_MODE);
    this.#fetched.add(id.digest);
    return to;
  }

  #checkSpace({ digest, size }: BlobId, sizeBytes: number): void {
    const free = freeBytes(this.#layout.tmp);
    if (size - sizeBytes <= free) return;
    throw new WickError(
      "DISK_FULL",
      `Cannot store the blob ${digest}: ${size - sizeBytes} bytes are needed, ${free} are free`,
      { hint: "free some space, with wick prune or otherwise, or set WICK_CACHE to another disk" },
    );
  }
}

function isWorthKeeping(error: unknown, path: string): boolean {
  const isWrong =
    error instanceof WickError && ["DIGEST_MISMATCH", "DISK_FULL"].includes(error.code);
  return !isWrong && (statOf(path)?.size ?? 0) > 0;
}
