import { createServer, type Socket } from "node:net";
import { checkFault } from "./faults.ts";
import { portError } from "./ports.ts";

/** A client's connection to a TCP port of ours; its two directions end on their own. */
export type TcpClient = Socket;

/** A TCP port of ours that is listened on. */
export interface TcpListener {
  /** The port that was bound. */
  readonly hostPort: number;
  /** Ends listening; connections stay. */
  close(): void;
}

/** Connections that wait to be accepted; the kernel's own limit where it is less. */
const BACKLOG = 4096;

/**
 * Listens on a TCP port, 0 for a free one; PORT_BUSY, PERMISSION or USAGE where it cannot be had.
 * A connection that cannot be accepted, for want of descriptors say, ends nothing but itself.
 */
export async function listenTcp(
  { hostAddress, hostPort }: { readonly hostAddress: string; readonly hostPort: number },
  onClient: (client: TcpClient) => void,
): Promise<TcpListener> {
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    // A connection without an error handler would end the whole process on ECONNRESET.
    client.on("error", () => undefined);
    onClient(client);
  });
  try {
    checkFault("listen", `tcp:${hostAddress}:${hostPort}`);
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      const address = { host: hostAddress, port: hostPort, exclusive: true, ipv6Only: true };
      server.listen({ ...address, backlog: BACKLOG }, resolve);
    });
  } catch (error) {
    throw portError({ protocol: "tcp", hostAddress, hostPort }, error);
  }
  server.removeAllListeners("error").on("error", () => undefined);
  const bound = server.address();
  return {
    hostPort: typeof bound === "object" && bound !== null ? bound.port : hostPort,
    close: () => void server.close(),
  };
}

/**
 * Resets a client's connection (RST). One whose end it has been sent already is closed: libuv refuses
 * to reset it and Node would never close it; what it sends from then on, the kernel answers with RST.
 */
export function resetClient(client: TcpClient): void {
  if (client.writableEnded) client.destroy();
  else client.resetAndDestroy();
}
