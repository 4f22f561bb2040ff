import { BlockList, isIP } from "node:net";
import { sanitise } from "../../bytes/index.ts";
import { WickError } from "../../errors/index.ts";
import type { Environment } from "../directories.ts";
import { isLoopbackHost, literalAddress } from "./addresses.ts";

/**
 * The proxy for a request, by HTTP_PROXY, HTTPS_PROXY and NO_PROXY in either case (lower first,
 * as curl and Go have it). This machine itself is never asked for through a proxy.
 */
export function proxyFor(url: URL, environment: Environment): URL | undefined {
  const scheme = url.protocol === "https:" ? "https_proxy" : "http_proxy";
  const proxy = variable(environment, scheme);
  if (proxy === "" || isLoopbackHost(url.hostname)) return undefined;
  if (isExcepted(url, variable(environment, "no_proxy"))) return undefined;
  return proxyUrl(proxy, scheme);
}

function variable(environment: Environment, name: string): string {
  return environment[name] ?? environment[name.toUpperCase()] ?? "";
}

function proxyUrl(text: string, name: string): URL {
  const url = URL.canParse(text) && text.includes("://") ? text : `http://${text}`;
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed !== undefined && /^https?:$/.test(parsed.protocol)) return parsed;
  throw new WickError(
    "CONFIG_INVALID",
    // The value may hold a password.
    `Cannot use the proxy of ${name}: it is no http or https address`,
    { hint: `${name}=http://proxy.example:3128` },
  );
}

/** NO_PROXY: hosts with their subdomains, ports, networks in CIDR form, `*`. */
function isExcepted(url: URL, list: string): boolean {
  const port = url.port || (url.protocol === "https:" ? "443" : "80");
  const host = literalAddress(url.hostname) ?? url.hostname.toLowerCase();
  return list
    .split(/[,\s]+/)
    .filter((entry) => entry !== "")
    .some((entry) => matches(entry.toLowerCase(), host, port));
}

function matches(entry: string, host: string, port: string): boolean {
  if (entry === "*") return true;
  if (entry.includes("/")) return isInNetwork(host, entry);
  const [, name = entry, only] = /^(\[.*\]|[^:]*):(\d+)$/.exec(entry) ?? [];
  if (only !== undefined && only !== port) return false;
  const plain = name.replace(/^\*?\./, "").replace(/^\[|\]$/g, "");
  return host === plain || (isIP(host) === 0 && host.endsWith(`.${plain}`));
}

function isInNetwork(host: string, network: string): boolean {
  const [address = "", prefix = ""] = network.split("/");
  const version = isIP(address);
  const length = /^\d{1,3}$/.test(prefix) ? Number(prefix) : -1;
  if (version === 0 || isIP(host) !== version || length < 0) return false;
  if (length > (version === 4 ? 32 : 128)) return false;
  const list = new BlockList();
  const family = version === 4 ? "ipv4" : "ipv6";
  list.addSubnet(address, length, family);
  return list.check(host, family);
}

/** How a proxy is named in messages: without its password. */
export function showProxy(proxy: URL): string {
  return sanitise(`${proxy.protocol}//${proxy.host}`);
}
