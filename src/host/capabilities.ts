import { readSmallFile } from "./files.ts";
import { currentUser } from "./user.ts";

/** linux/capability.h */
const CAP_NET_ADMIN = 12n;

/**
 * Whether programs that this process starts may change the host's network: root's get its
 * effective capabilities, another user's the ambient ones alone (proc(5)).
 */
export function mayChangeNetwork(): boolean {
  const text = Buffer.from(readSmallFile("/proc/self/status")).toString("latin1");
  const set = currentUser().uid === 0 ? "CapEff" : "CapAmb";
  const hex = new RegExp(`^${set}:\\s*([0-9a-f]+)$`, "m").exec(text)?.[1];
  return hex !== undefined && ((BigInt(`0x${hex}`) >> CAP_NET_ADMIN) & 1n) === 1n;
}
