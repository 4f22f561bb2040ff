import { X509Certificate } from "node:crypto";
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
    const ca = [...this.#common, ...extra.map(readChecked)];
    const context = createSecureContext({ ca });
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
  return [...roots, ...named.map(readChecked)];
}

function readPem(path: string): string {
  return new TextDecoder().decode(readSmallFile(path));
}

/** A file that somebody named: OpenSSL passes over what is no certificate in silence. */
function readChecked(path: string): string {
  const text = readPem(path);
  const [first] = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/.exec(text) ?? [];
  if (first !== undefined && isCertificate(first)) return text;
  throw new WickError(
    "CONFIG_INVALID",
    `Cannot use the certificates of ${sanitise(path)}: there is none in it`,
    { hint: "wanted PEM (BEGIN CERTIFICATE)" },
  );
}

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).raw.length > 0;
  } catch {
    return false;
  }
}
