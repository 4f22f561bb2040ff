import { createSecureContext, rootCertificates, type SecureContext } from "node:tls";
import { join } from "node:path";
import { sanitise } from "../../bytes/index.ts";
import { WickError } from "../../errors/index.ts";
import type { Environment } from "../directories.ts";
import { readSmallFile, statOf } from "../files.ts";
import { listDirectory } from "../listing.ts";

/** Where distributions keep the certificates that their administrator trusts. */
const SYSTEM_BUNDLES = [
  "/etc/ssl/certs/ca-certificates.crt", // Debian, Ubuntu, Alpine, Arch
  "/etc/pki/tls/certs/ca-bundle.crt", // Fedora, RHEL
  "/etc/ssl/ca-bundle.pem", // openSUSE
] as const;

/** Directories with one directory a registry, `HOST[:PORT]`, as Docker and containers have them. */
export function certificateDirectories(environment: Environment): readonly string[] {
  const home = environment["HOME"];
  const config = environment["XDG_CONFIG_HOME"] ?? (home === undefined ? "" : `${home}/.config`);
  const own = config === "" ? [] : ["docker", "containers"].map((name) => join(config, name));
  return [...own, "/etc/docker", "/etc/containers"].map((path) => join(path, "certs.d"));
}

/**
 * Trusted roots by host: the system's (Node's own where there are none), SSL_CERT_FILE's and the
 * host's `*.crt`. Reading 140 of them takes 50 ms: each set is read once, and for TLS alone.
 */
export class Certificates {
  readonly #environment: Environment;
  readonly #contexts = new Map<string, SecureContext>();
  #common: readonly string[] | undefined;

  constructor(environment: Environment) {
    this.#environment = environment;
  }

  /** `host` is `HOST[:PORT]` as the user names the registry. */
  contextFor(host: string): SecureContext {
    const extra = this.#filesFor(host);
    const key = extra.join("\n");
    const known = this.#contexts.get(key);
    if (known !== undefined) return known;
    this.#common ??= commonRoots(this.#environment);
    const context = makeContext([...this.#common, ...extra.map(readPem)], extra);
    this.#contexts.set(key, context);
    return context;
  }

  #filesFor(host: string): string[] {
    // The name becomes a part of a path.
    if (!/^[\w.[\]:-]+$/.test(host) || host.includes("..")) return [];
    return certificateDirectories(this.#environment).flatMap((directory) => {
      const own = join(directory, host);
      return listDirectory(own)
        .filter(({ name }) => name.endsWith(".crt"))
        .map(({ name }) => join(own, name));
    });
  }
}

function commonRoots(environment: Environment): string[] {
  const bundle = SYSTEM_BUNDLES.find((path) => statOf(path)?.isFile() === true);
  const named = ["SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS"]
    .map((name) => environment[name] ?? "")
    .filter((path) => path !== "" && path !== bundle);
  const roots = bundle === undefined ? rootCertificates : [readPem(bundle)];
  return [...roots, ...named.map(readPem)];
}

function readPem(path: string): string {
  return new TextDecoder().decode(readSmallFile(path));
}

function makeContext(ca: string[], files: readonly string[]): SecureContext {
  try {
    return createSecureContext({ ca });
  } catch (error) {
    const where = files.length === 0 ? "SSL_CERT_FILE" : files.map(sanitise).join(", ");
    throw new WickError("CONFIG_INVALID", `Cannot read the certificates of ${where}`, {
      hint: "wanted PEM files (BEGIN CERTIFICATE)",
      cause: error,
    });
  }
}
