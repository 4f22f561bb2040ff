import { sanitise } from "../../bytes/index.ts";
import { WickError } from "../../errors/index.ts";
import type { HttpClient, HttpRequest, HttpResponse, Reach } from "../../host/index.ts";

const REDIRECTS: readonly number[] = [301, 302, 303, 307, 308];
const HOPS_MAX = 5;

/** How redirects are followed. */
export interface RedirectOptions {
  /** How near the hosts may be that it leads to; asked once the first has answered. */
  readonly reach: () => Reach;
  /** Told of the first answer. */
  readonly answered?: (() => void) | undefined;
}

/** The answer at the end, and whose it is. */
export interface FollowedAnswer {
  readonly response: HttpResponse;
  readonly url: URL;
}

/**
 * Sends a GET and follows where it is sent. Credentials stay with the first origin (R4), clear
 * text is never come to from TLS (R3), and no address nearer than `reach` is (R2). A POST is
 * followed nowhere: its body is a secret.
 */
export async function followRedirects(
  http: HttpClient,
  request: HttpRequest,
  options: RedirectOptions,
): Promise<FollowedAnswer> {
  let next = request;
  for (let hops = 0; ; hops++) {
    const response = await http.send(next);
    if (hops === 0) options.answered?.();
    const location = response.header("location");
    if (!REDIRECTS.includes(response.status) || location === undefined) {
      return { response, url: next.url };
    }
    await response.body.dismiss();
    if (next.method === "POST")
      throw cannot(request.url, "it sends a request with a secret elsewhere");
    if (hops === HOPS_MAX) throw cannot(request.url, `it leads on more than ${HOPS_MAX} times`);
    next = redirected(next, location, request, options.reach());
  }
}

function redirected(
  from: HttpRequest,
  location: string,
  first: HttpRequest,
  reach: Reach,
): HttpRequest {
  const url = URL.canParse(location, from.url.href) ? new URL(location, from.url) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw cannot(
      from.url,
      `it leads to "${sanitise(location.slice(0, 200))}", which is no https address`,
    );
  }
  checkNextUrl(from.url, url, `${sanitise(from.url.host)} leads on`);
  if (url.origin === first.url.origin) return { ...first, url };
  const { authorization: _, ...headers } = first.headers ?? {};
  const { certificatesOf: __, verify, ...rest } = first;
  // What the user said of one host's certificate is not said of another's.
  const isSameHost = url.hostname === first.url.hostname;
  return { ...rest, url, headers, reach, verify: isSameHost ? (verify ?? true) : true };
}

/** Refuses to come from TLS to clear text (R3). */
export function checkNextUrl(from: URL, to: URL, what: string): void {
  if (from.protocol !== "https:" || to.protocol === "https:") return;
  throw new WickError(
    "REGISTRY_FAILED",
    `Cannot go on to ${sanitise(to.host)}: ${what} in clear text, wanted https`,
  );
}

function cannot(url: URL, why: string): WickError {
  return new WickError("REGISTRY_FAILED", `Cannot go on with ${sanitise(url.host)}: ${why}`);
}
