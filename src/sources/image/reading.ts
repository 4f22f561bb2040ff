import { createHash } from "node:crypto";
import { inflateBlob, type InflatedBlob } from "../../compression/index.ts";
import type { Digest } from "../../formats/oci/index.ts";
import { readRegion, throwIfAborted } from "../../host/index.ts";
import type { StoredBlob } from "./found-image.ts";

/** What is read. */
export interface BlobOrigin {
  /** Brings the blob here; asked when its turn comes. */
  readonly blob: (signal?: AbortSignal) => Promise<StoredBlob>;
  /** For messages: `layer 2 of nginx:alpine`; safe to print. */
  readonly name: string;
}

/** The digests of what a reading has seen: of the stored and of the plain bytes. */
interface Digests {
  readonly stored: Digest;
  readonly plain: Digest;
}

/** One reading of a blob from its beginning to its end; may begin before anybody takes its bytes. */
export class BlobReading {
  readonly #options: BlobOrigin;
  readonly #stop = new AbortController();
  #blob: Promise<StoredBlob> | undefined;
  #inflated: InflatedBlob | undefined;
  #isTaken = false;
  #isEnded = false;
  #stored = "";
  #plain = "";
  /** Where the blob lies, as soon as that is known. */
  found: StoredBlob | undefined;

  constructor(options: BlobOrigin) {
    this.#options = options;
  }

  /** Begins ahead of its turn. A failure is told to whoever asks for the bytes. */
  start(): void {
    const begin = async (): Promise<void> => {
      const blob = await this.blob(undefined);
      if (!this.#isEnded) this.#inflate(blob).start();
    };
    begin().catch(() => undefined);
  }

  /** From here on somebody waits for the bytes: letting go is no longer asked for. */
  take(): void {
    this.#isTaken = true;
  }

  /** Where the blob lies, brought here if it must be. */
  async blob(signal: AbortSignal | undefined): Promise<StoredBlob> {
    using _ = this.#stopWith(signal);
    this.#blob ??= this.#options.blob(this.#stop.signal);
    this.found = await this.#blob;
    return this.found;
  }

  /** All the bytes, lent to `take` piece by piece. */
  async read(take: (chunk: Uint8Array) => void, signal: AbortSignal | undefined): Promise<Digests> {
    const blob = await this.blob(signal);
    using _ = this.#stopWith(signal);
    for await (const chunk of this.#inflate(blob)) take(chunk);
    return { stored: `sha256:${this.#stored}`, plain: `sha256:${this.#plain}` };
  }

  /** Ends a reading that nobody has taken. */
  letGo(): void {
    if (this.#isTaken) return;
    this.#stop.abort();
    this.end();
  }

  /** Nobody reads on: what has begun and is not read is given up. What fetches the blob is others', too. */
  end(): void {
    this.#isEnded = true;
    this.#inflated?.close();
  }

  #inflate(blob: StoredBlob): InflatedBlob {
    this.#inflated ??= inflateBlob(blob, {
      name: this.#options.name,
      signal: this.#stop.signal,
      onDigest: (hex) => void (this.#stored = hex),
      onPlainDigest: (hex) => void (this.#plain = hex),
    });
    return this.#inflated;
  }

  #stopWith(signal: AbortSignal | undefined): Disposable {
    throwIfAborted(signal);
    const stop = (): void => this.#stop.abort(signal?.reason);
    signal?.addEventListener("abort", stop, { once: true });
    return { [Symbol.dispose]: () => signal?.removeEventListener("abort", stop) };
  }
}

/** The SHA-256 of a region's bytes. */
export async function digestRegion(blob: StoredBlob, signal?: AbortSignal): Promise<Digest> {
  const hash = createHash("sha256");
  for await (const chunk of readRegion(blob, signal)) hash.update(chunk);
  return `sha256:${hash.digest("hex")}`;
}
