import { sanitise } from "../../bytes/index.ts";
import { WickError } from "../../errors/index.ts";
import type { HttpClient, Reach } from "../../host/index.ts";
import { parseChallenges } from "./challenge.ts";
import { basicHeader, type Credentials } from "./credentials/index.ts";
import type { Endpoint } from "./endpoint.ts";
import { requestToken, type Token } from "./token.ts";

/** What a 401 says, and what it was said to. */
export interface Refusal {
  /** The WWW-Authenticate header. */
  readonly challenge: string;
  /** The Authorization header that did not do. */
  readonly shown: string | undefined;
  readonly scope: string | undefined;
  readonly registry: URL;
  readonly reach: Reach;
  readonly signal?: AbortSignal | undefined;
}

/** Answers one registry's challenges and remembers the answers, for this process alone. */
export class Authorizer {
  readonly #http: HttpClient;
  readonly #endpoint: Endpoint;
  readonly #find: () => Promise<Credentials | undefined>;
  #credentials: Promise<Credentials | undefined> | undefined;
  readonly #tokens = new Map<string, Promise<Token>>();
  readonly #headers = new Map<string, string>();
  #withheldFrom: string | undefined;

  constructor(http: HttpClient, endpoint: Endpoint, find: () => Promise<Credentials | undefined>) {
    this.#http = http;
    this.#endpoint = endpoint;
    this.#find = find;
  }

  /** The credentials that are used, looked for once. */
  credentials(): Promise<Credentials | undefined> {
    this.#credentials ??= this.#find();
    return this.#credentials;
  }

  /** The token service's host that is not trusted with the credentials that there are. */
  get withheldFrom(): string | undefined {
    return this.#withheldFrom;
  }

  /** What did for `scope` before. */
  known(scope: string | undefined): string | undefined {
    return this.#headers.get(scope ?? "");
  }

  /** The next Authorization header to try; undefined when there is nothing else to show. */
  async answer(refusal: Refusal): Promise<string | undefined> {
    const key = refusal.scope ?? "";
    // Another transfer may have met the same refusal and have a newer token already.
    const known = this.#headers.get(key);
    if (known !== undefined && known !== refusal.shown) return known;
    const header = await this.#fresh(refusal);
    if (header === undefined || header === refusal.shown) return undefined;
    this.#headers.set(key, header);
    return header;
  }

  async #fresh(refusal: Refusal): Promise<string | undefined> {
    const credentials = await this.credentials();
    const challenges = parseChallenges(refusal.challenge);
    const bearer = challenges.find(
      ({ scheme, parameters }) => scheme === "bearer" && parameters.has("realm"),
    );
    if (credentials?.kind === "bearer") return `Bearer ${credentials.token}`;
    if (bearer !== undefined) return await this.#token(refusal, bearer.parameters);
    if (challenges.some(({ scheme }) => scheme === "basic")) {
      if (credentials?.kind !== "basic") return undefined;
      return basicHeader(credentials.username, credentials.password);
    }
    const schemes = challenges.map(({ scheme }) => scheme).join(", ");
    throw new WickError(
      "UNAUTHORIZED",
      `Cannot log in to ${sanitise(this.#endpoint.host)}: it asks for "${sanitise(schemes.slice(0, 100))}", wanted Basic or Bearer`,
    );
  }

  async #token(refusal: Refusal, parameters: ReadonlyMap<string, string>): Promise<string> {
    const key = refusal.scope ?? "";
    let pending = this.#tokens.get(key);
    if (pending === undefined) {
      pending = this.#request(refusal, parameters);
      this.#tokens.set(key, pending);
    }
    try {
      const token = await pending;
      this.#withheldFrom = token.withheldFrom;
      return token.header;
    } finally {
      this.#tokens.delete(key);
    }
  }

  async #request(refusal: Refusal, parameters: ReadonlyMap<string, string>): Promise<Token> {
    const { registry, scope, reach, signal } = refusal;
    return requestToken(this.#http, {
      endpoint: this.#endpoint,
      registry,
      realm: parameters.get("realm")!,
      service: parameters.get("service"),
      scope,
      credentials: await this.credentials(),
      reach,
      signal,
    });
  }
}
