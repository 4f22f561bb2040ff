import { createSocket } from "node:dgram";
import { createServer, isIPv4 } from "node:net";
import { WickError, type ErrorCode } from "../errors/index.ts";
import { checkFault } from "./faults.ts";
import { errnoOf, hostError } from "./host-error.ts";

/** An address of this machine to listen on. */
export interface HostPort {
  readonly protocol: "tcp" | "udp";
  readonly hostAddress: string;
  readonly hostPort: number;
}

interface Refusal {
  readonly code: ErrorCode;
  readonly words: string;
  readonly hint: string;
}

const refusals: Readonly<Record<string, Refusal>> = {
  EADDRINUSE: {
    code: "PORT_BUSY",
    words: "another program is using it",
    hint: "choose another port, or leave the host's port out to have a free one chosen",
  },
  EACCES: {
    code: "PERMISSION",
    words: "ports below 1024 need privileges",
    hint: "choose a port from 1024 up",
  },
  EADDRNOTAVAIL: {
    code: "USAGE",
    words: "the address is none of this machine's",
    hint: "use 127.0.0.1, 0.0.0.0 or an address that `ip address` shows",
  },
};

/**
 * Fails unless the port can be bound now: by a bind, the only test that asks the kernel.
 * It may be taken the moment after; whoever binds it for good must still report that.
 */
export async function checkPortFree(port: HostPort): Promise<void> {
  try {
    checkFault("listen", `${port.protocol}:${port.hostAddress}:${port.hostPort}`);
    await (port.protocol === "tcp" ? bindTcp(port) : bindUdp(port));
  } catch (error) {
    throw portError(port, error);
  }
}

/** Why a port could not be bound, as wick's own error. */
export function portError(port: HostPort, cause: unknown): WickError {
  const action = `publish ${port.hostAddress}:${port.hostPort}/${port.protocol}`;
  const refusal = refusals[errnoOf(cause) ?? ""];
  if (refusal === undefined) return hostError(cause, action);
  const { code, words, hint } = refusal;
  return new WickError(code, `Cannot ${action}: ${words}`, { hint, cause });
}

function bindTcp({ hostAddress, hostPort }: HostPort): Promise<void> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen({ host: hostAddress, port: hostPort, exclusive: true }, () => {
      server.close(() => resolve());
    });
  });
}

function bindUdp({ hostAddress, hostPort }: HostPort): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = createSocket("udp4");
    socket.once("error", (error) => {
      socket.close();
      reject(error);
    });
    socket.bind({ address: hostAddress, port: hostPort, exclusive: true }, () => {
      socket.close(() => resolve());
    });
  });
}

/** Whether `text` is an IPv4 address in four decimal numbers. */
export function isIpv4Address(text: string): boolean {
  return isIPv4(text);
}
