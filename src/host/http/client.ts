import { setMaxListeners } from "node:events";
import type { Readable } from "node:stream";
import type { SecureContext } from "node:tls";
import type { Dispatcher } from "undici";
import { sanitise } from "../../bytes/index.ts";
import type { Environment } from "../directories.ts";
import { throwIfAborted } from "../files.ts";
import { type AddressClass, literalAddress } from "./addresses.ts";
import { HttpBody } from "./body.ts";
import { Certificates } from "./certificates.ts";
import { connectionError } from "./connection-error.ts";
import { makeDispatcher } from "./dispatcher.ts";
import { proxyFor } from "./proxy.ts";
import { type AddressRules, checkLiteral, farther, type Reach, systemRules } from "./reach.ts";
import { patiently } from "./waiting.ts";

/** What a client is made with. */
export interface HttpOptions {
  /** Proxies and certificates are found by it. */
  readonly environment: Environment;
  /** Ends every request and connection. */
  readonly signal?: AbortSignal | undefined;
  /** How long a server may be silent, in `ms`; 30 s by default. */
  readonly idleMs?: number | undefined;
  readonly addresses?: AddressRules | undefined;
}

/** One request; redirects are its sender's business. */
export interface HttpRequest {
  readonly method: "GET" | "HEAD" | "POST";
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** `loopback`, the default, allows every address. */
  readonly reach?: Reach;
  /** False: any certificate will do. True by default. */
  readonly verify?: boolean;
  /** Whose directory below certs.d is looked into: `HOST[:PORT]`; the URL's own by default. */
  readonly certificatesOf?: string;
  readonly signal?: AbortSignal | undefined;
}

export interface HttpResponse {
  readonly status: number;
  /** A header by its lower-case name; several of one name are joined by commas. */
  header(name: string): string | undefined;
  readonly body: HttpBody;
}

const IDLE_MS = 30_000;

/** HTTP/1.1 with proxies, own certificates and bounds on silence; undici is loaded when first used. */
export class HttpClient implements Disposable {
  readonly #options: HttpOptions;
  readonly #certificates: Certificates;
  readonly #dispatchers = new Map<string, Dispatcher>();
  readonly #classes = new Map<string, AddressClass>();
  readonly #life = new AbortController();

  constructor(options: HttpOptions) {
    this.#options = options;
    this.#certificates = new Certificates(options.environment);
    setMaxListeners(0, this.#life.signal);
    options.signal?.addEventListener("abort", this.#end, { once: true });
  }

  /**
   * Sends a request and gives the answer, whatever its status. A connection that cannot be made
   * or breaks is a ConnectionError, an abort INTERRUPTED.
   */
  async send(request: HttpRequest): Promise<HttpResponse> {
    const { url } = request;
    const signal = request.signal ?? this.#options.signal;
    throwIfAborted(signal);
    checkLiteral(url, request.reach ?? "loopback", this.#rules);
    const dispatcher = await this.#dispatcherFor(request);
    const cancel = new AbortController();
    const bounds = {
      host: url.host,
      signal,
      idleMs: this.#options.idleMs ?? IDLE_MS,
      giveUp: () => cancel.abort(),
    };
    try {
      const sent = dispatcher.request({ ...wireRequest(request), signal: cancel.signal });
      const answer = await patiently(sent, { ...bounds, ms: bounds.idleMs });
      return responseOf(answer, bounds);
    } catch (error) {
      throwIfAborted(signal);
      throw connectionError(error, url.host);
    }
  }

  /** The class of the addresses that a host was reached at; undefined while it was not, or by a proxy. */
  classOf(url: URL): AddressClass | undefined {
    return this.#classes.get(url.hostname);
  }

  /** Ends everything under way. */
  [Symbol.dispose](): void {
    this.#options.signal?.removeEventListener("abort", this.#end);
    this.#end();
  }

  readonly #end = (): void => {
    this.#life.abort();
    for (const dispatcher of this.#dispatchers.values()) dispatcher.destroy().catch(() => {});
    this.#dispatchers.clear();
  };

  get #rules(): AddressRules {
    return this.#options.addresses ?? systemRules;
  }

  async #dispatcherFor(request: HttpRequest): Promise<Dispatcher> {
    const { url, reach = "loopback", verify = true, certificatesOf = url.host } = request;
    const proxy = proxyFor(url, this.#options.environment);
    const key = JSON.stringify([url.protocol, certificatesOf, reach, verify, proxy?.href]);
    const known = this.#dispatchers.get(key);
    if (known !== undefined) return known;
    const made = await makeDispatcher({
      proxy,
      protocol: url.protocol,
      reach,
      verify,
      secureContext: this.#contextFor({ url, verify, certificatesOf, proxy }),
      rules: this.#rules,
      signal: this.#life.signal,
      connected: (hostname, address) => this.#note(hostname, address),
    });
    // Two requests at once may both have waited for undici.
    const first = this.#dispatchers.get(key) ?? made;
    this.#dispatchers.set(key, first);
    return first;
  }

  /** Whom TLS trusts; undefined where there is none, or anybody will do. */
  #contextFor(of: {
    readonly url: URL;
    readonly verify: boolean;
    readonly certificatesOf: string;
    readonly proxy: URL | undefined;
  }): SecureContext | undefined {
    const isVerified = of.url.protocol === "https:" && of.verify;
    if (!isVerified && of.proxy?.protocol !== "https:") return undefined;
    return this.#certificates.contextFor(of.certificatesOf);
  }

  /** A name that led far away once does not become near by leading here the next time. */
  #note(hostname: string, address: string): void {
    const found = this.#rules.classOf(literalAddress(hostname) ?? address);
    this.#classes.set(hostname, farther(this.#classes.get(hostname) ?? found, found));
  }
}

function wireRequest({ url, method, headers, body }: HttpRequest): Dispatcher.RequestOptions {
  return {
    origin: url.origin,
    path: `${url.pathname}${url.search}`,
    method,
    headers: { "user-agent": "wick", "accept-encoding": "identity", ...headers },
    body: body ?? null,
    // Waiting is bounded by ourselves: undici's own bounds look only between reads.
    headersTimeout: 0,
    bodyTimeout: 0,
  };
}

function responseOf(
  answer: Dispatcher.ResponseData,
  bounds: ConstructorParameters<typeof HttpBody>[1],
): HttpResponse {
  const { headers } = answer;
  return {
    status: answer.statusCode,
    header(name) {
      const value = headers[name];
      return Array.isArray(value) ? value.join(", ") : value;
    },
    body: new HttpBody(answer.body as Readable, { ...bounds, host: sanitise(bounds.host) }),
  };
}
