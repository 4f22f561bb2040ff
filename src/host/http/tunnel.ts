import { request as requestInClear, type RequestOptions } from "node:http";
import { request as requestOverTls } from "node:https";
import type { Socket } from "node:net";
import type { SecureContext } from "node:tls";
import { ConnectionError } from "./connection-error.ts";
import { showProxy } from "./proxy.ts";

/**
 * A connection through an HTTP proxy's CONNECT (RFC 9110 9.3.6). undici 7 has its own, which
 * connects again without end when a proxy closes instead of answering.
 */
export function openTunnel(options: {
  readonly proxy: URL;
  /** `HOST:PORT`. */
  readonly target: string;
  /** Trusted by a proxy that is reached over TLS. */
  readonly secureContext: SecureContext | undefined;
  readonly timeoutMs: number;
  /** Looks up the proxy's name. */
  readonly lookup: RequestOptions["lookup"];
  readonly signal: AbortSignal;
}): Promise<Socket> {
  const { proxy, target } = options;
  return new Promise((resolve, reject) => {
    const fail = (words: string, cause?: unknown): void =>
      reject(proxyError(proxy, target, words, cause));
    const request = startConnect(options);
    request.once("connect", (response, socket: Socket, head) => {
      if (response.statusCode === 200) {
        if (head.length > 0) socket.unshift(head);
        resolve(socket);
        return;
      }
      socket.destroy();
      fail(`it answers ${response.statusCode} to CONNECT${statusWords(response.statusCode)}`);
    });
    // A proxy that answers CONNECT as if it were a GET.
    request.once("response", (response) => {
      request.destroy();
      fail(`it answers ${response.statusCode} to CONNECT`);
    });
    request.once("timeout", () => {
      request.destroy();
      fail("it does not answer");
    });
    request.once("error", (error) => fail(error.message, error));
    request.once("close", () => fail("it closed the connection"));
    request.end();
  });
}

function startConnect({
  proxy,
  target,
  secureContext,
  timeoutMs,
  lookup,
  signal,
}: Parameters<typeof openTunnel>[0]) {
  const isTls = proxy.protocol === "https:";
  const options: RequestOptions & { secureContext?: SecureContext | undefined } = {
    host: proxy.hostname.replace(/^\[|\]$/g, ""),
    port: proxy.port || (isTls ? 443 : 80),
    method: "CONNECT",
    path: target,
    headers: { host: target, ...authorization(proxy) },
    agent: false,
    lookup,
    timeout: timeoutMs,
    signal,
    ...(isTls ? { secureContext } : {}),
  };
  return isTls ? requestOverTls(options) : requestInClear(options);
}

/** The proxy's own user and password, from its address. */
export function authorization(proxy: URL): Record<string, string> {
  if (proxy.username === "" && proxy.password === "") return {};
  const pair = `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`;
  return { "proxy-authorization": `Basic ${Buffer.from(pair).toString("base64")}` };
}

function statusWords(status: number | undefined): string {
  if (status === 407) return ": it wants a user and password";
  return status === 403 ? ": it does not allow that host" : "";
}

function proxyError(proxy: URL, target: string, words: string, cause: unknown): ConnectionError {
  return new ConnectionError(
    "proxy",
    `Cannot reach ${target} through the proxy ${showProxy(proxy)}: ${words}`,
    { hint: "see HTTPS_PROXY, HTTP_PROXY and NO_PROXY", cause },
  );
}
