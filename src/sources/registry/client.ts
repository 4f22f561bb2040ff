import { sanitise } from "../../bytes/index.ts";
import { WickError } from "../../errors/index.ts";
import {
  ConnectionError,
  type HttpClient,
  type HttpRequest,
  type HttpResponse,
  type Reach,
} from "../../host/index.ts";
import { answerError } from "./answer-error.ts";
import { Authorizer } from "./authorizer.ts";
import { type Credentials, secretsOf } from "./credentials/index.ts";
import type { Endpoint } from "./endpoint.ts";
import { type FollowedAnswer, followRedirects } from "./redirect.ts";

/** What a registry is asked. */
export interface RegistryRequest {
  /** Below the host: `/v2/library/nginx/manifests/alpine`. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** The rights that a token must carry: `repository:library/nginx:pull`. */
  readonly scope?: string | undefined;
  /** For messages: `Cannot <action>: …`. */
  readonly action: string;
  readonly signal?: AbortSignal | undefined;
}

/** One registry or mirror: challenges answered, redirects followed, errors in words. */
export class RegistryClient {
  readonly endpoint: Endpoint;
  readonly #http: HttpClient;
  readonly #authorizer: Authorizer;
  #protocol: "https:" | "http:" | undefined;

  constructor(
    http: HttpClient,
    endpoint: Endpoint,
    credentials: () => Promise<Credentials | undefined>,
  ) {
    this.#http = http;
    this.endpoint = endpoint;
    this.#authorizer = new Authorizer(http, endpoint, credentials);
  }

  /** Whether it has answered yet. */
  get isKnown(): boolean {
    return this.#protocol !== undefined;
  }

  /** The token service's host that was not shown the credentials, if there is such. */
  get withheldFrom(): string | undefined {
    return this.#authorizer.withheldFrom;
  }

  /** The answer, of a status below 300 or one of `expected`; else an error that says what to do. */
  async get(request: RegistryRequest, expected: readonly number[] = []): Promise<HttpResponse> {
    let authorization = this.#authorizer.known(request.scope);
    for (let isFresh = false; ; isFresh = true) {
      const { response, url } = await this.#send(request, authorization);
      const challenge = response.header("www-authenticate");
      const isRefused = response.status === 401 && challenge !== undefined && this.#isOwn(url);
      const next =
        isRefused && !isFresh
          ? await this.#answer(request, { challenge, authorization, url })
          : undefined;
      if (next === undefined) {
        if (response.status < 300 || expected.includes(response.status)) return response;
        throw await this.#failure(response, { request, authorization, url });
      }
      await response.body.dismiss();
      authorization = next;
    }
  }

  #answer(
    { scope, signal }: RegistryRequest,
    refused: {
      readonly challenge: string;
      readonly authorization: string | undefined;
      readonly url: URL;
    },
  ): Promise<string | undefined> {
    const { challenge, authorization: shown, url: registry } = refused;
    const reach = this.#reach(registry);
    return this.#authorizer.answer({ challenge, shown, scope, registry, reach, signal });
  }

  /** Sends a request over TLS, or in clear text where Docker's rule allows it. */
  async #send(
    request: RegistryRequest,
    authorization: string | undefined,
  ): Promise<FollowedAnswer> {
    const { mayUseHttp } = this.endpoint;
    const untried = mayUseHttp ? (["https:", "http:"] as const) : (["https:"] as const);
    const protocols = this.#protocol === undefined ? [...untried] : [this.#protocol];
    for (;;) {
      const protocol = protocols.shift()!;
      try {
        return await this.#sendBy(protocol, request, authorization);
      } catch (error) {
        const isOver = protocols.length === 0 || this.#protocol !== undefined;
        if (isOver || !speaksNoTls(error, this.endpoint.api)) throw error;
      }
    }
  }

  #sendBy(
    protocol: "https:" | "http:",
    request: RegistryRequest,
    authorization: string | undefined,
  ): Promise<FollowedAnswer> {
    const { api, isInsecure } = this.endpoint;
    const url = new URL(`${protocol}//${api}${request.path}`);
    const own = authorization === undefined ? {} : { authorization };
    const wire: HttpRequest = {
      method: "GET",
      url,
      headers: { ...request.headers, ...own },
      verify: !isInsecure,
      certificatesOf: api,
      signal: request.signal,
    };
    return followRedirects(this.#http, wire, {
      reach: () => this.#reach(url),
      answered: () => {
        this.#protocol ??= protocol;
      },
    });
  }

  /** As near as the registry itself; through a proxy nobody knows, and this machine is excluded. */
  #reach(url: URL): Reach {
    return this.#http.classOf(url) ?? "private";
  }

  #isOwn(url: URL): boolean {
    return url.host === new URL(`${url.protocol}//${this.endpoint.api}`).host;
  }

  async #failure(
    response: HttpResponse,
    how: {
      readonly request: RegistryRequest;
      readonly authorization: string | undefined;
      readonly url: URL;
    },
  ): Promise<WickError> {
    const { request, authorization = "", url } = how;
    const isOwn = this.#isOwn(url);
    const credentials = await this.#authorizer.credentials();
    const secrets = [...secretsOf(credentials), authorization.replace(/^\w+ /, "")];
    const host = isOwn ? this.endpoint.host : url.host;
    const error = await answerError(response, { action: request.action, host, secrets });
    if (error.code !== "UNAUTHORIZED") return error;
    // No credentials of ours are for a host that the registry leads on to.
    if (!isOwn) return new WickError("REGISTRY_FAILED", error.message);
    return this.#unauthorized(error.message, credentials !== undefined);
  }

  #unauthorized(message: string, hasCredentials: boolean): WickError {
    const host = sanitise(this.endpoint.host);
    const { withheldFrom } = this.#authorizer;
    if (withheldFrom !== undefined) {
      const other = sanitise(withheldFrom);
      return new WickError(
        "UNAUTHORIZED",
        `${message}; the password for ${host} was not shown to its token service ${other}`,
        { hint: `if ${other} belongs to ${host}, list it below token-hosts in registries.yaml` },
      );
    }
    const hint = hasCredentials
      ? `it does not exist, or that user may not read it, or the password has changed: wick login ${host}`
      : `it does not exist, or is private: wick login ${host}`;
    return new WickError("UNAUTHORIZED", message, { hint });
  }
}

/** Whether a server may be one of plain HTTP; one that refuses may listen on port 80. */
function speaksNoTls(error: unknown, api: string): boolean {
  if (!(error instanceof ConnectionError)) return false;
  if (error.problem === "refused") return !/:\d+$/.test(api);
  return error.problem === "not-tls" || error.problem === "broken";
}
