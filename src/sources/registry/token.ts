import * as v from "valibot";
import { sanitise } from "../../bytes/index.ts";
import { WickError } from "../../errors/index.ts";
import {
  type HttpClient,
  type HttpRequest,
  type HttpResponse,
  isLoopbackHost,
  type Reach,
} from "../../host/index.ts";
import { answerError } from "./answer-error.ts";
import { basicHeader, type Credentials, secretsOf } from "./credentials/index.ts";
import type { Endpoint } from "./endpoint.ts";
import { checkNextUrl, followRedirects } from "./redirect.ts";

/** A challenge's answer is sought with this. */
export interface TokenRequest {
  readonly endpoint: Endpoint;
  /** The registry's own address, as it was reached. */
  readonly registry: URL;
  readonly realm: string;
  readonly service: string | undefined;
  /** `repository:library/nginx:pull`; undefined when only the credentials are to be checked. */
  readonly scope: string | undefined;
  readonly credentials: Credentials | undefined;
  /** How near the token service may be. */
  readonly reach: Reach;
  readonly signal?: AbortSignal | undefined;
}

/** A token, and the token service's host if credentials were kept from it. */
export interface Token {
  readonly header: string;
  readonly withheldFrom: string | undefined;
}

const ANSWER_MAX = 1 << 18;

const answer = v.object({
  token: v.optional(v.string()),
  access_token: v.optional(v.string()),
});

/**
 * Asks a registry's token service (distribution, docs/spec/auth/token.md and oauth.md).
 * Credentials go to the registry's own host and to listed token hosts alone (R1); a service
 * that is not such is asked without.
 */
export async function requestToken(http: HttpClient, request: TokenRequest): Promise<Token> {
  const realm = realmOf(request);
  const mayKnow = isTokenHost(realm, request);
  const credentials = mayKnow ? request.credentials : undefined;
  const withheld = !mayKnow && request.credentials !== undefined;
  const secrets = secretsOf(credentials);
  const { signal, reach, endpoint } = request;
  const isOwn = realm.hostname === request.registry.hostname;
  const verify = !(isOwn && endpoint.isInsecure);
  const sent = { ...formOf(realm, request, credentials), verify, signal };
  // What the registry names is as little trusted as what it leads on to.
  const first = isOwn ? sent : { ...sent, reach };
  const { response } = await followRedirects(http, first, { reach: () => reach });
  if (response.status !== 200) throw await refusal(response, { realm, request, secrets, mayKnow });
  return {
    header: `Bearer ${await tokenIn(response, realm)}`,
    withheldFrom: withheld ? realm.host : undefined,
  };
}

/** The token service's address: over TLS, unless the registry itself is not. */
function realmOf({ realm, registry, endpoint }: TokenRequest): URL {
  const url = URL.canParse(realm) ? new URL(realm) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.username !== "") {
    throw new WickError(
      "REGISTRY_FAILED",
      `Cannot log in to ${sanitise(endpoint.host)}: its token service "${sanitise(realm.slice(0, 200))}" is no https address`,
    );
  }
  checkNextUrl(registry, url, `${sanitise(endpoint.host)} names a token service`);
  // A registry in clear text is this machine's or one that the user named; a third host is not.
  const isOwn = url.hostname === registry.hostname || isLoopbackHost(url.hostname);
  if (url.protocol === "http:" && !isOwn) {
    throw new WickError(
      "REGISTRY_FAILED",
      `Cannot log in to ${sanitise(endpoint.host)}: its token service ${sanitise(url.host)} is not reached over TLS`,
    );
  }
  return url;
}

/** Whether a realm may see the registry's credentials. */
function isTokenHost(realm: URL, { registry, endpoint }: TokenRequest): boolean {
  if (realm.hostname === registry.hostname) return true;
  return endpoint.tokenHosts.some((host) => host === realm.host || host === realm.hostname);
}

function formOf(
  realm: URL,
  { service, scope }: TokenRequest,
  credentials: Credentials | undefined,
): HttpRequest {
  const asked = Object.entries({ service, scope }).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  );
  if (credentials?.kind === "identity") {
    const refresh_token = credentials.token;
    const grant = { grant_type: "refresh_token", client_id: "wick", refresh_token };
    return {
      method: "POST",
      url: realm,
      headers: { "content-type": "application/x-www-form-urlencoded" },
      body: new URLSearchParams([...Object.entries(grant), ...asked]).toString(),
    };
  }
  const url = new URL(realm);
  for (const [name, value] of asked) url.searchParams.set(name, value);
  if (credentials?.kind !== "basic") return { method: "GET", url };
  const { username, password } = credentials;
  url.searchParams.set("account", username);
  return { method: "GET", url, headers: { authorization: basicHeader(username, password) } };
}

async function refusal(
  response: HttpResponse,
  how: {
    readonly realm: URL;
    readonly request: TokenRequest;
    readonly secrets: readonly string[];
    readonly mayKnow: boolean;
  },
): Promise<WickError> {
  const { realm, request, secrets, mayKnow } = how;
  const host = sanitise(request.endpoint.host);
  const action = `log in to ${host}`;
  const error = await answerError(response, { action, host: realm.host, secrets });
  if (error.code !== "UNAUTHORIZED") return error;
  const known = mayKnow && request.credentials !== undefined;
  const hint = known
    ? `are the user and password still right? wick login ${host}`
    : `wick login ${host}`;
  return new WickError("UNAUTHORIZED", error.message, { hint });
}

async function tokenIn(response: HttpResponse, realm: URL): Promise<string> {
  const { bytes, isWhole } = await response.body.upTo(ANSWER_MAX);
  const result = isWhole ? v.safeParse(answer, parsed(bytes)) : undefined;
  const token = result?.success === true ? (result.output.token ?? result.output.access_token) : "";
  // It becomes a header's value.
  if (token !== undefined && /^[\x21-\x7e]+$/.test(token)) return token;
  throw new WickError(
    "REGISTRY_FAILED",
    `Cannot use the answer of the token service ${sanitise(realm.host)}: there is no token in it`,
  );
}

function parsed(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
}
