import { sanitise } from "../../bytes/index.ts";
import { isWickError, WickError } from "../../errors/index.ts";
import { type Digest, parseDigest } from "./digest.ts";

/** An image's name in a registry, complete (github.com/distribution/reference). */
export interface ImageReference {
  /** `docker.io`, `ghcr.io`, `localhost:5000`, `[::1]:5000`; in lower case. */
  readonly registry: string;
  /** `library/nginx`. */
  readonly repository: string;
  /** `latest` where neither tag nor digest is written. */
  readonly tag?: string;
  /** Decides alone where both are written: the tag is then only shown (threats C9). */
  readonly digest?: Digest;
}

const DEFAULT_REGISTRY = "docker.io";
/** Characters of `registry/repository`. */
const NAME_MAX = 255;

const COMPONENT = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;
const TAG = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;
const LABEL = "(?:[a-z0-9]|[a-z0-9][a-z0-9-]*[a-z0-9])";
const HOST = new RegExp(`^(?:${LABEL}(?:\\.${LABEL})*|\\[[0-9a-f:]+\\])(?::([0-9]+))?$`);

/** Understands a name by Docker's rules and fills in its defaults; USAGE with the reason. */
export function parseReference(text: string): ImageReference {
  const cannot = (why: string, hint?: string): WickError => refuse(text, why, hint);
  if (text.includes("://")) {
    throw cannot("it has a scheme", "write it without, as in docker.io/library/nginx:alpine");
  }
  const at = text.indexOf("@");
  const digest = at < 0 ? undefined : digestOf(text.slice(at + 1), cannot);
  const named = at < 0 ? text : text.slice(0, at);
  const colon = named.lastIndexOf(":");
  const hasTag = colon > named.lastIndexOf("/");
  const tag = hasTag ? named.slice(colon + 1) : undefined;
  if (tag !== undefined && !TAG.test(tag)) {
    throw cannot(`its tag "${tag.slice(0, 140)}" is malformed`, TAG_HINT);
  }
  const name = nameOf(hasTag ? named.slice(0, colon) : named, cannot);
  const shown = tag ?? (digest === undefined ? "latest" : undefined);
  return { ...name, ...(shown && { tag: shown }), ...(digest && { digest }) };
}

const TAG_HINT = "at most 128 letters, digits, _, . and -, not beginning with . or -";

/** The whole name, registry included: what `parseReference` understands as the same. */
export function showReference({ registry, repository, tag, digest }: ImageReference): string {
  const name = `${registry}/${repository}`;
  return `${name}${tag === undefined ? "" : `:${tag}`}${digest === undefined ? "" : `@${digest}`}`;
}

type Cannot = (why: string, hint?: string) => WickError;

function nameOf(text: string, cannot: Cannot): Pick<ImageReference, "registry" | "repository"> {
  const slash = text.indexOf("/");
  const first = slash < 0 ? "" : text.slice(0, slash);
  const isHost = /[.:A-Z]/.test(first) || first === "localhost";
  const registry = isHost ? registryOf(first, cannot) : DEFAULT_REGISTRY;
  const rest = isHost ? text.slice(slash + 1) : text;
  if (/^[0-9a-f]{64}$/.test(rest) && !isHost) {
    throw cannot("64 hex digits are an image's id and no name", "add @sha256: after the name");
  }
  const isShort = registry === DEFAULT_REGISTRY && !rest.includes("/");
  const repository = isShort ? `library/${rest}` : rest;
  checkRepository(repository, isShort ? rest : repository, cannot);
  if (`${registry}/${repository}`.length > NAME_MAX) {
    throw cannot(`its name has over ${NAME_MAX} characters`);
  }
  return { registry, repository };
}

/** Hosts are the same in any case; Docker Hub's old name is its present one. */
function registryOf(text: string, cannot: Cannot): string {
  const host = text.toLowerCase();
  const match = HOST.exec(host);
  if (match === null) throw cannot(`"${text.slice(0, 80)}" is not a host`);
  const port = match[1];
  if (port !== undefined && (Number(port) > 65535 || Number(port) === 0)) {
    throw cannot(`its port ${port.slice(0, 20)} is not in 1 to 65535`);
  }
  return host === "index.docker.io" ? DEFAULT_REGISTRY : host;
}

function checkRepository(repository: string, shown: string, cannot: Cannot): void {
  if (shown === "") throw cannot("it has no name");
  if (/[A-Z]/.test(repository)) {
    throw cannot("its name has upper-case letters", `write ${sanitise(shown.toLowerCase())}`);
  }
  if (repository.split("/").every((component) => COMPONENT.test(component))) return;
  throw cannot("its name is malformed", "lower-case letters and digits, with . _ - and / between");
}

function digestOf(text: string, cannot: Cannot): Digest {
  try {
    return parseDigest(text);
  } catch (error) {
    if (!isWickError(error)) throw error;
    throw cannot(error.message.replace(/^Cannot use the digest /, "its digest "));
  }
}

function refuse(text: string, why: string, hint: string | undefined): WickError {
  const message = `Cannot use the image name "${sanitise(text.slice(0, 300))}": ${sanitise(why)}`;
  return new WickError("USAGE", message, hint === undefined ? {} : { hint });
}
