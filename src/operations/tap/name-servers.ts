import { isIpv4Address, readSmallFile, statOf } from "../../host/index.ts";

/** The second is systemd-resolved's list of the servers behind its own, which only this host reaches. */
const FILES = ["/etc/resolv.conf", "/run/systemd/resolve/resolv.conf"] as const;

/** The resolver's own limit (MAXNS). */
const SERVERS_MOST = 3;

/** The host's name servers that a machine may reach too: what listens on a loopback address is not. */
export function hostNameServers(): readonly string[] {
  for (const path of FILES) {
    const servers = statOf(path)?.isFile() === true ? serversIn(textOf(path)) : [];
    if (servers.length > 0) return servers;
  }
  return [];
}

/** Of the text of a resolv.conf(5). */
export function serversIn(text: string): readonly string[] {
  return [...text.matchAll(/^nameserver[ \t]+(\S+)/gm)]
    .map(([, address]) => address!)
    .filter((address) => isIpv4Address(address) && !/^(127|0)\./.test(address))
    .slice(0, SERVERS_MOST);
}

function textOf(path: string): string {
  return Buffer.from(readSmallFile(path)).toString("latin1");
}
