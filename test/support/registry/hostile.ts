/** For tests: a registry that serves one image, and misbehaves where the test wants it to. */
import type { ServerResponse } from "node:http";
import { type Listener, listen, type ListenerOptions, type SeenRequest } from "./listener.ts";
import type { Content, MemoryImage } from "./image.ts";

/** What a test puts in the place of an answer; false: the ordinary answer is given. */
export type Switch = (request: SeenRequest, response: ServerResponse) => boolean | Promise<boolean>;

export interface HostileOptions extends ListenerOptions {
  /** Looked at first, for every request. */
  readonly instead?: Switch;
}

/** Serves `image` under every repository and tag. */
export function hostileRegistry(
  image: MemoryImage,
  options: HostileOptions = {},
): Promise<Listener> {
  const { instead, ...listening } = options;
  return listen(async (request, response) => {
    if ((await instead?.(request, response)) === true) return;
    serveImage(image, request, response);
  }, listening);
}

/** The ordinary answer. */
export function serveImage(
  image: MemoryImage,
  request: SeenRequest,
  response: ServerResponse,
): void {
  if (request.url === "/v2/") return void response.writeHead(200).end("{}");
  const [, kind, name = ""] = /\/(manifests|blobs)\/(.*)$/.exec(request.url) ?? [];
  if (kind === "manifests") return send(response, image.manifest, request);
  const blob = [image.config, ...image.layers].find(({ digest }) => digest === name);
  if (blob === undefined) return void response.writeHead(404).end();
  send(response, blob, request);
}

/** Sends a content, or the part of it that a Range asks for. */
export function send(
  response: ServerResponse,
  { bytes, mediaType, digest }: Content,
  request: SeenRequest,
): void {
  const from = rangeStart(request);
  const headers = { "content-type": mediaType, "docker-content-digest": digest };
  if (from === undefined) {
    response.writeHead(200, { ...headers, "content-length": bytes.length });
    response.end(bytes);
    return;
  }
  const rest = bytes.subarray(from);
  response.writeHead(206, {
    ...headers,
    "content-length": rest.length,
    "content-range": `bytes ${from}-${bytes.length - 1}/${bytes.length}`,
  });
  response.end(rest);
}

/** Where a Range request begins. */
export function rangeStart({ headers }: SeenRequest): number | undefined {
  const [, from] = /^bytes=(\d+)-$/.exec(headers.range ?? "") ?? [];
  return from === undefined ? undefined : Number(from);
}

export function isBlob({ url }: SeenRequest, content: Content): boolean {
  return url.endsWith(`/blobs/${content.digest}`);
}
