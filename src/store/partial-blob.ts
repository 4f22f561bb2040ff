import { createHash, type Hash } from "node:crypto";
import { WickError } from "../errors/index.ts";
import { FileStorage } from "../host/index.ts";
import { digestInto, finished } from "./digest.ts";
import type { BlobId } from "./layout.ts";

/** A blob under way: what is there already was digested, more is appended. */
export interface PartialBlob {
  /** Bytes there already: where the transfer goes on. */
  readonly sizeBytes: number;
  /** Appends; DIGEST_MISMATCH as soon as there are more bytes than the blob has. */
  write(chunk: Uint8Array): void;
  /** Throws away what is there: the peer gives it from its beginning. */
  restart(): void;
}

/** A part file, which its owner has locked; its digest is that of its bytes, not a remembered one. */
export class PartFile implements PartialBlob, Disposable {
  readonly #id: BlobId;
  readonly #storage: FileStorage;
  #hash: Hash = createHash("sha256");
  #sizeBytes = 0;

  private constructor(storage: FileStorage, id: BlobId) {
    this.#storage = storage;
    this.#id = id;
  }

  /** Opens the part at `path`, which is there, and digests what it holds. */
  static async open(path: string, id: BlobId): Promise<PartFile> {
    const part = new PartFile(new FileStorage(path, "update"), id);
    try {
      await part.#digestWhatIsThere();
      return part;
    } catch (error) {
      part[Symbol.dispose]();
      throw error;
    }
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  write(chunk: Uint8Array): void {
    if (this.#sizeBytes + chunk.length > this.#id.size) {
      throw mismatch(this.#id, `more than ${this.#id.size} bytes`);
    }
    this.#storage.writeAt(chunk, this.#sizeBytes);
    this.#hash.update(chunk);
    this.#sizeBytes += chunk.length;
  }

  restart(): void {
    this.#storage.setSize(0);
    this.#hash = createHash("sha256");
    this.#sizeBytes = 0;
  }

  /** What is wrong with what is there, undefined if it is the blob. */
  problem(): WickError | undefined {
    const { digest, size } = this.#id;
    if (this.#sizeBytes !== size) return mismatch(this.#id, `${this.#sizeBytes} bytes`);
    const found = finished(this.#hash.copy());
    return found === digest ? undefined : mismatch(this.#id, found);
  }

  sync(): Promise<void> {
    return this.#storage.sync();
  }

  [Symbol.dispose](): void {
    this.#storage[Symbol.dispose]();
  }

  async #digestWhatIsThere(): Promise<void> {
    // Longer than the blob: nothing of it can be trusted.
    if (this.#storage.sizeBytes > this.#id.size) return this.restart();
    this.#sizeBytes = await digestInto(this.#hash, this.#storage);
  }
}

/** DIGEST_MISMATCH of a blob of which `is` arrived. */
export function mismatch({ digest, size }: BlobId, is: string): WickError {
  return new WickError(
    "DIGEST_MISMATCH",
    `Cannot use the blob ${digest}: it is ${is}, wanted ${size} bytes with that digest`,
    { hint: "try again; if it stays so, the registry or a proxy before it changes what it serves" },
  );
}
