import { WickError } from "../../errors/index.ts";
import type { Descriptor } from "../../formats/oci/index.ts";
import { ConnectionError, type HttpResponse, throwIfAborted } from "../../host/index.ts";
import type { PartialBlob } from "../../store/index.ts";
import type { RegistryClient } from "./client.ts";
import { checkEncoding } from "./encoding.ts";
import { askInTurn } from "./mirrors.ts";
import type { RegistrySession } from "./session.ts";
import { unreachable } from "./unreachable.ts";

/** A blob and where it is. */
export interface WantedBlob {
  readonly session: RegistrySession;
  readonly clients: readonly RegistryClient[];
  readonly repository: string;
  readonly descriptor: Descriptor;
  /** For messages: `layer 2 of docker.io/library/nginx:alpine`. */
  readonly name: string;
  /** Told how many bytes are there. */
  readonly onBytes?: ((sizeBytes: number) => void) | undefined;
}

/** A blob is transferred at most this often over, whatever servers do with a Range (R10). */
const REFETCH_FACTOR = 3;
const REFETCH_SLACK_BYTES = 1 << 20;

/** One blob's way into the store: goes on where it was broken off, and says whether it ever did. */
export class BlobDownload {
  readonly #wanted: WantedBlob;
  #receivedBytes = 0;
  #bestBytes = 0;
  /** Bytes of several answers were put together: if the digest is wrong, the whole may be right. */
  isPatched = false;

  constructor(wanted: WantedBlob) {
    this.#wanted = wanted;
  }

  /** Appends to `part` what is missing; whether it is right is the store's to say. */
  async into(part: PartialBlob, signal: AbortSignal | undefined): Promise<void> {
    const { session, clients, descriptor, name } = this.#wanted;
    this.#bestBytes = part.sizeBytes;
    if (part.sizeBytes === descriptor.size) return;
    try {
      await askInTurn(session, clients, {
        signal,
        progress: () => this.#bestBytes,
        ask: (client) => this.#ask(client, part, signal),
      });
    } catch (error) {
      throw unreachable(error, `download ${name}`);
    }
  }

  async #ask(
    client: RegistryClient,
    part: PartialBlob,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const from = part.sizeBytes;
    const response = await this.#request(client, from, signal);
    if (from > 0 && !continues(response, from)) {
      part.restart();
      if (response.status !== 200) {
        response.body.discard();
        return await this.#ask(client, part, signal);
      }
    }
    if (part.sizeBytes > 0) this.isPatched = true;
    else this.#checkWhole(response);
    await this.#append(response, part, signal);
  }

  #request(
    client: RegistryClient,
    from: number,
    signal: AbortSignal | undefined,
  ): Promise<HttpResponse> {
    const { repository, descriptor, name } = this.#wanted;
    // Servers that cannot give a range say so in many ways (R10); all mean: from the beginning.
    const otherwise = from > 0 ? [300, 301, 302, 303, 304, 307, 308, 400, 412, 416, 501] : [];
    return client.get(
      {
        path: `/v2/${repository}/blobs/${descriptor.digest}`,
        headers: from > 0 ? { range: `bytes=${from}-` } : {},
        scope: `repository:${repository}:pull`,
        action: `download ${name}`,
        signal,
      },
      otherwise,
    );
  }

  async #append(
    response: HttpResponse,
    part: PartialBlob,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const { descriptor, name, onBytes } = this.#wanted;
    checkEncoding(response, `download ${name}`);
    for await (const chunk of response.body) {
      throwIfAborted(signal);
      this.#count(chunk.length);
      part.write(chunk);
      this.#bestBytes = Math.max(this.#bestBytes, part.sizeBytes);
      onBytes?.(part.sizeBytes);
    }
    const isDelimited =
      response.header("content-length") !== undefined ||
      response.header("transfer-encoding") !== undefined;
    if (part.sizeBytes < descriptor.size && !isDelimited) {
      throw new ConnectionError("broken", `Cannot download ${name}: the connection broke`, {});
    }
  }

  /** Nothing but a 200 is the whole: a 206 to a request without a range is some part of it. */
  #checkWhole({ status, body }: HttpResponse): void {
    if (status === 200) return;
    body.discard();
    throw new WickError(
      "REGISTRY_FAILED",
      `Cannot download ${this.#wanted.name}: the registry answers ${status}, wanted 200`,
    );
  }

  #count(bytes: number): void {
    const { descriptor, name } = this.#wanted;
    this.#receivedBytes += bytes;
    if (this.#receivedBytes <= REFETCH_FACTOR * descriptor.size + REFETCH_SLACK_BYTES) return;
    throw new WickError(
      "REGISTRY_FAILED",
      `Cannot download ${name}: the server has sent ${this.#receivedBytes} bytes, and never the ${descriptor.size} that were asked for to their end`,
    );
  }
}

/** Whether an answer holds the bytes from `from` on. */
function continues(response: HttpResponse, from: number): boolean {
  if (response.status !== 206) return false;
  const range = /^bytes (\d+)-\d+\/(?:\d+|\*)$/.exec(response.header("content-range") ?? "");
  return Number(range?.[1]) === from;
}
