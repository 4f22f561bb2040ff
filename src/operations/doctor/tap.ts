import { mayUse, readSmallFile } from "../../host/index.ts";
import type { DoctorLine } from "./line.ts";

const DEVICE = "/dev/net/tun";

/** linux/capability.h */
const CAP_NET_ADMIN = 12n;

/** Whether this user can make a TAP interface. */
export function checkTap(): DoctorLine[] {
  const line = {
    check: "TAP",
    purpose: "a network of the host's own for machines; wick's published ports do without",
    isNeeded: false,
  };
  const device = mayUse(DEVICE);
  if (device === undefined) {
    const hint = "load the module tun";
    return [{ ...line, state: "missing", found: `this host has no ${DEVICE}`, hint }];
  }
  if (!device) {
    const hint = `let the user read and write ${DEVICE}`;
    return [{ ...line, state: "missing", found: `this user may not open ${DEVICE}`, hint }];
  }
  if (hasNetAdmin()) return [{ ...line, state: "ok", found: `${DEVICE}, CAP_NET_ADMIN` }];
  return [
    {
      ...line,
      state: "warn",
      found: `${DEVICE}, without CAP_NET_ADMIN`,
      hint: "have root make one for the user: ip tuntap add dev tap0 mode tap user NAME",
    },
  ];
}

/** The effective capabilities of this process (proc(5), CapEff). */
function hasNetAdmin(): boolean {
  const text = Buffer.from(readSmallFile("/proc/self/status")).toString("latin1");
  const hex = /^CapEff:\s*([0-9a-f]+)$/m.exec(text)?.[1];
  return hex !== undefined && ((BigInt(`0x${hex}`) >> CAP_NET_ADMIN) & 1n) === 1n;
}
