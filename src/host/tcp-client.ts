import { connect, type Socket } from "node:net";
import { checkFault } from "./faults.ts";

/** Where a connection goes, and from which address of this host. */
export interface TcpTarget {
  readonly host: string;
  readonly port: number;
  /** With it a connection never leaves by another device than the address's. */
  readonly localAddress?: string;
}

/** Connects; its two directions end on their own. An error is the socket's. */
export function connectTcp({ host, port, localAddress }: TcpTarget): Socket {
  checkFault("connect", `tcp:${host}:${port}`);
  const from = localAddress === undefined ? {} : { localAddress };
  return connect({ host, port, ...from, allowHalfOpen: true, noDelay: true });
}
