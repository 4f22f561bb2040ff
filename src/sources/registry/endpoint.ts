import { isLoopbackHost } from "../../host/index.ts";
import type { AllSettings } from "./settings.ts";

/** A server that speaks the registry protocol: a registry itself, or a mirror of one. */
export interface Endpoint {
  /** Its name for credentials and settings: `docker.io`, `localhost:5000`. */
  readonly host: string;
  /** Where its API is: `registry-1.docker.io`, `localhost:5000`. */
  readonly api: string;
  /** The user said that any certificate, or none, will do. */
  readonly isInsecure: boolean;
  /** Plain HTTP is tried where it does not speak TLS: Docker's rule for this machine itself. */
  readonly mayUseHttp: boolean;
  /** Hosts beside its own that may see its credentials. */
  readonly tokenHosts: readonly string[];
}

/** Docker Hub's API has a host of its own. */
const apiHosts = new Map([["docker.io", "registry-1.docker.io"]]);

/** Public registries whose token service is on another host, by their own documentation. */
const knownTokenHosts: ReadonlyMap<string, readonly string[]> = new Map([
  ["docker.io", ["auth.docker.io"]],
  ["registry.gitlab.com", ["gitlab.com"]],
]);

/** The server of a registry's (or mirror's) name; `insecure` are those of --insecure. */
export function endpointOf(
  host: string,
  settings: AllSettings,
  insecure: readonly string[] = [],
): Endpoint {
  const own = settings.get(host);
  const isInsecure = own?.insecure === true || insecure.includes(host);
  return {
    host,
    api: apiHosts.get(host) ?? host,
    isInsecure,
    mayUseHttp: isInsecure || isLoopbackHost(hostnameOf(host)),
    tokenHosts: [...(knownTokenHosts.get(host) ?? []), ...(own?.tokenHosts ?? [])],
  };
}

/** The servers to ask for images of `registry`: its mirrors, then itself. */
export function endpointsOf(
  registry: string,
  settings: AllSettings,
  insecure: readonly string[] = [],
): readonly Endpoint[] {
  const hosts = [...(settings.get(registry)?.mirrors ?? []), registry];
  return hosts.map((host) => endpointOf(host, settings, insecure));
}

/** `HOST` of `HOST:PORT`, brackets of IPv6 kept. */
function hostnameOf(host: string): string {
  return host.replace(/:\d+$/, "");
}
