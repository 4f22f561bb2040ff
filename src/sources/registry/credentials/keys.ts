/** Docker Hub's key in every file and helper, for reasons of history. */
const HUB_KEY = "https://index.docker.io/v1/";

/** The key under which Docker keeps the credentials of a registry. */
export function keyOf(registry: string): string {
  return registry === "docker.io" ? HUB_KEY : registry;
}

/** What a key of `auths` stands for: a host, and with podman a part of its repositories. */
interface KeyMeaning {
  readonly host: string;
  /** `""`: all of them. */
  readonly namespace: string;
}

/** Keys may carry a scheme and a path: `https://ghcr.io/v2/` means ghcr.io, exactly. */
export function meaningOf(key: string): KeyMeaning {
  const bare = key.replace(/^https?:\/\//, "");
  const slash = bare.indexOf("/");
  const written = (slash < 0 ? bare : bare.slice(0, slash)).toLowerCase();
  const path = slash < 0 ? "" : bare.slice(slash + 1).replace(/\/$/, "");
  const isHub = ["index.docker.io", "registry-1.docker.io", "docker.io"].includes(written);
  const isApiPath = bare !== key || /^v[12]$/.test(path);
  return { host: isHub ? "docker.io" : written, namespace: isApiPath ? "" : path };
}

/**
 * The key of `keys` for a repository of `registry`: the one with the longest namespace that
 * holds it; undefined when none is for exactly that host.
 */
export function findKey(
  keys: readonly string[],
  registry: string,
  repository: string,
): string | undefined {
  const fitting = keys
    .map((key) => ({ key, ...meaningOf(key) }))
    .filter(({ host, namespace }) => host === registry && isWithin(repository, namespace));
  const exact = fitting.find(({ key }) => key === keyOf(registry));
  const [longest] = fitting.sort((a, b) => b.namespace.length - a.namespace.length);
  return longest?.namespace === "" ? (exact ?? longest)?.key : longest?.key;
}

function isWithin(repository: string, namespace: string): boolean {
  return namespace === "" || repository === namespace || repository.startsWith(`${namespace}/`);
}
