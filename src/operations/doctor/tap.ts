import { findProgram, mayChangeNetwork, mayUse } from "../../host/index.ts";
import { TUN_DEVICE } from "../tap/check.ts";
import type { DoctorLine } from "./line.ts";

/** Whether this user can make a TAP, which `--network tap` does, or take one: `tap=NAME`. */
export function checkTap(): DoctorLine[] {
  const line = {
    check: "TAP",
    purpose: "--network tap; wick's published ports do without",
    isNeeded: false,
  };
  return [{ ...line, ...state(mayUse(TUN_DEVICE), findProgram("ip") !== undefined) }];
}

function state(
  device: boolean | undefined,
  hasIp: boolean,
): Pick<DoctorLine, "state" | "found" | "hint"> {
  if (device === undefined) {
    const hint = "load the module: modprobe tun";
    return { state: "missing", found: `this host has no ${TUN_DEVICE}`, hint };
  }
  if (!device) {
    const hint = `let the user read and write ${TUN_DEVICE}`;
    return { state: "missing", found: `this user may not open ${TUN_DEVICE}`, hint };
  }
  if (!hasIp) {
    const hint = "apt-get install iproute2";
    return { state: "missing", found: "the program ip is not installed", hint };
  }
  if (mayChangeNetwork()) return { state: "ok", found: `${TUN_DEVICE}, ip, CAP_NET_ADMIN` };
  const hint =
    "have root make one for the user, for --network tap=tap0: ip tuntap add dev tap0 mode tap user NAME";
  return { state: "warn", found: `${TUN_DEVICE}, ip, without CAP_NET_ADMIN`, hint };
}
