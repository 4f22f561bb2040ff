import { spawnSync } from "node:child_process";
import { checkFault } from "./faults.ts";
import { findProgram } from "./programs.ts";
import { toolEnvironment } from "./tool.ts";

/** A TAP that wick made. */
interface OwnTap {
  readonly name: string;
  readonly alias: string;
}

/** `ip` does either within some milliseconds. */
const TIMEOUT_MS = 5000;

/**
 * Removes a TAP of wick's, and with it its address and routes, at once: also at exit, where nobody
 * can wait. One with another alias is a stranger's who took the name. False: it is still there.
 */
export function removeTap({ name, alias }: OwnTap): boolean {
  const device = devicesNamed(name);
  if (device === undefined) return false;
  const [found] = device;
  if (found === undefined) return true;
  // Without one its maker was killed between two steps; nobody else chose this name by chance.
  if (found.ifalias !== undefined && found.ifalias !== alias) return true;
  if (found.linkinfo?.info_kind !== "tun") return true;
  return ip(["link", "delete", "dev", name]) !== undefined;
}

interface IpLink {
  readonly ifalias?: string;
  readonly linkinfo?: { readonly info_kind?: string };
}

/** The device of that name, if any; undefined: it could not be asked. */
function devicesNamed(name: string): readonly IpLink[] | undefined {
  const text = ip(["-json", "-details", "link", "show"]);
  if (text === undefined) return undefined;
  try {
    const found = JSON.parse(text) as readonly (IpLink & { readonly ifname?: string })[];
    return found.filter(({ ifname }) => ifname === name);
  } catch {
    return undefined;
  }
}

/** What it prints; undefined where it fails. */
function ip(args: readonly string[]): string | undefined {
  const program = findProgram("ip");
  if (program === undefined) return undefined;
  try {
    checkFault("spawn", program);
  } catch {
    return undefined;
  }
  const { status, stdout } = spawnSync(program, args, {
    stdio: ["ignore", "pipe", "ignore"],
    env: toolEnvironment(),
    encoding: "utf8",
    timeout: TIMEOUT_MS,
  });
  return status === 0 ? stdout : undefined;
}
