import { WickError } from "../../errors/index.ts";
import type { PortForward } from "../vmm.ts";

/** `  TCP[HOST_FORWARD]  16  127.0.0.1 35763  10.0.2.15  80  0  0` of HMP's `info usernet`. */
const FORWARD = /^\s*(TCP|UDP)\[HOST_FORWARD\]\s+\d+\s+(\S+)\s+(\d+)\s+\S+\s+(\d+)\s/;

/** A connection: its state on the guest's side, and the forwarded port that it came by. */
const CONNECTION = /^\s*TCP\[(\w+)\]\s+\d+\s+(\S+)\s+(\d+)\s+\S+\s+(\d+)\s/;

/** All other states of TCP come after the guest's answer; one that it refuses is no more. */
const UNANSWERED = new Set(["CLOSED", "LISTEN", "SYN_SENT", "SYN_RCVD", "HOST_FORWARD"]);

/** Whether the guest has taken a connection to `port`, as `info usernet` says. */
export function hasTaken({ hostPort, guestPort }: PortForward, usernet: string): boolean {
  return usernet
    .split("\n")
    .map((line) => CONNECTION.exec(line))
    .some(
      (match) =>
        match !== null &&
        !UNANSWERED.has(match[1]!) &&
        Number(match[3]) === hostPort &&
        Number(match[4]) === guestPort,
    );
}

/** `asked`, with the host ports that `info usernet` says were bound. */
export function boundPorts(asked: readonly PortForward[], usernet: string): PortForward[] {
  const bound = usernet
    .split("\n")
    .map((line) => FORWARD.exec(line))
    .filter((match) => match !== null)
    .map(([, protocol, hostAddress, hostPort, guestPort]) => ({
      protocol: protocol!.toLowerCase(),
      hostAddress: hostAddress === "*" ? "0.0.0.0" : hostAddress!,
      hostPort: Number(hostPort),
      guestPort: Number(guestPort),
    }));
  return asked.map((port) => {
    // Each line answers one wish; a fixed port takes its own line, a free one the next that fits.
    const index = bound.findIndex(
      (line) =>
        line.protocol === port.protocol &&
        line.hostAddress === port.hostAddress &&
        line.guestPort === port.guestPort &&
        (port.hostPort === 0
          ? !asked.some((other) => other.hostPort === line.hostPort)
          : port.hostPort === line.hostPort),
    );
    const [line] = index < 0 ? [] : bound.splice(index, 1);
    if (line === undefined) throw notBound(port);
    return { ...port, hostPort: line.hostPort };
  });
}

function notBound({ hostAddress, hostPort, guestPort, protocol }: PortForward): WickError {
  return new WickError(
    "VMM_FAILED",
    `Cannot publish ${hostAddress}:${hostPort} to port ${guestPort}/${protocol}: QEMU does not list it`,
  );
}
