import { sanitise } from "../../bytes/index.ts";
import { WickError } from "../../errors/index.ts";
import { errnoOf } from "../host-error.ts";

/** Why there is no answer, as far as what to do next depends on it. */
export type ConnectionProblem =
  | "refused"
  | "unknown-host"
  | "unreachable"
  | "certificate"
  | "not-tls"
  | "silent"
  | "broken"
  | "forbidden"
  | "proxy"
  | "malformed";

/** A request that got no answer, or not the whole of it. */
export class ConnectionError extends WickError {
  readonly problem: ConnectionProblem;

  constructor(
    problem: ConnectionProblem,
    message: string,
    details: { hint?: string; cause?: unknown },
  ) {
    super("REGISTRY_FAILED", message, details);
    this.problem = problem;
  }
}

interface Meaning {
  readonly problem: ConnectionProblem;
  readonly words: string;
  readonly hint?: string;
}

const CERTIFICATE_HINT =
  "put the certificate of its authority into /etc/docker/certs.d/HOST:PORT/ca.crt, or name it in SSL_CERT_FILE";

/** What Node's and undici's error codes mean. */
const meanings: Readonly<Record<string, Meaning>> = {
  ECONNREFUSED: { problem: "refused", words: "connection refused" },
  ENOTFOUND: {
    problem: "unknown-host",
    words: "there is no host of that name",
    hint: "is the name right, and is there a network?",
  },
  EAI_AGAIN: {
    problem: "unreachable",
    words: "its name could not be looked up",
    hint: "is there a network?",
  },
  ENETUNREACH: { problem: "unreachable", words: "the network cannot be reached" },
  EHOSTUNREACH: { problem: "unreachable", words: "there is no way to that host" },
  ETIMEDOUT: { problem: "silent", words: "it does not answer" },
  UND_ERR_CONNECT_TIMEOUT: { problem: "silent", words: "it does not answer" },
  ECONNRESET: { problem: "broken", words: "the connection broke" },
  EPIPE: { problem: "broken", words: "the connection broke" },
  UND_ERR_SOCKET: { problem: "broken", words: "the connection broke" },
  UND_ERR_DESTROYED: { problem: "broken", words: "the connection was given up" },
  UND_ERR_CLOSED: { problem: "broken", words: "the connection was given up" },
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: { problem: "broken", words: "the connection broke" },
  UND_ERR_HEADERS_OVERFLOW: { problem: "malformed", words: "its headers are too long" },
  EPROTO: { problem: "not-tls", words: "it does not speak TLS" },
  ERR_SSL_WRONG_VERSION_NUMBER: { problem: "not-tls", words: "it does not speak TLS" },
  ERR_SSL_PACKET_LENGTH_TOO_LONG: { problem: "not-tls", words: "it does not speak TLS" },
};

/** Names of X.509 failures as OpenSSL has them. */
const CERTIFICATE = /CERT|SELF_SIGNED|UNABLE_TO_(VERIFY|GET_ISSUER)|HOSTNAME_MISMATCH|ALTNAME/;

/** What Node or undici says of a connection, in words; wick's own errors pass. */
export function connectionError(error: unknown, host: string): WickError {
  if (error instanceof WickError) return error;
  const { problem, words, hint } = meaningOf(error);
  return new ConnectionError(problem, `Cannot reach ${sanitise(host)}: ${words}`, {
    cause: error,
    ...(hint === undefined ? {} : { hint }),
  });
}

function meaningOf(error: unknown): Meaning {
  const code = codeOf(error);
  const known = meanings[code];
  if (known !== undefined) return known;
  if (CERTIFICATE.test(code)) {
    const words = `its certificate is not trusted (${sanitise(code)})`;
    return { problem: "certificate", words, hint: CERTIFICATE_HINT };
  }
  if (code.startsWith("ERR_SSL_"))
    return { problem: "not-tls", words: `TLS fails (${sanitise(code)})` };
  if (error instanceof Error && error.name === "HTTPParserError") {
    return { problem: "malformed", words: "what it answers is no HTTP" };
  }
  const text = error instanceof Error ? error.message : String(error);
  return { problem: "broken", words: sanitise(text.slice(0, 200)) };
}

/** A connection tried over several addresses fails with an AggregateError: the first one tells. */
function codeOf(error: unknown): string {
  if (error instanceof AggregateError) return codeOf(error.errors[0]);
  const own = errnoOf(error) ?? "";
  const cause = (error as { cause?: unknown } | null)?.cause;
  // "other side closed" hides nothing, but undici wraps what TLS said.
  return own === "" && cause !== undefined ? codeOf(cause) : own;
}
