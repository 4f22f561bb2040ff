/** For tests: servers on loopback that remember every request they get. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo, Server, Socket } from "node:net";
import { afterEach } from "vitest";

/** One request as it came in. */
export interface SeenRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

export type Handler = (request: SeenRequest, response: ServerResponse) => void | Promise<void>;

/** A listening server. */
export interface Listener {
  /** `127.0.0.1:PORT`. */
  readonly host: string;
  readonly port: number;
  readonly seen: readonly SeenRequest[];
  /** Connections that were ever made. */
  connections(): number;
  close(): Promise<void>;
}

export interface ListenerOptions {
  /** 127.0.0.1 by default; every address of 127.0.0.0/8 is this machine and a host of its own. */
  readonly address?: string;
  /** A free one by default. */
  readonly port?: number;
  readonly tls?: { readonly cert: string; readonly key: string };
}

const open = new Set<Listener>();

afterEach(async () => {
  await Promise.all([...open].map((listener) => listener.close()));
});

/** Starts a server that is gone when the test ends. */
export async function listen(handler: Handler, options: ListenerOptions = {}): Promise<Listener> {
  const seen: SeenRequest[] = [];
  const answer = (incoming: IncomingMessage, response: ServerResponse): void => {
    void takeAndAnswer(incoming, response);
  };
  const takeAndAnswer = async (incoming: IncomingMessage, response: ServerResponse) => {
    const { method = "", url = "", headers } = incoming;
    const request = { method, url, headers, body: await readAll(incoming) };
    seen.push(request);
    await handler(request, response);
  };
  const server =
    options.tls === undefined ? createServer(answer) : createTlsServer(options.tls, answer);
  return track(server, seen, options.address, options.port);
}

/** Starts a server whose connections are the test's own to answer. */
export async function listenRaw(
  onConnection: (socket: Socket) => void,
  address?: string,
): Promise<Listener> {
  const { createServer: createRawServer } = await import("node:net");
  return track(createRawServer(onConnection), [], address);
}

async function track(
  server: Server,
  seen: readonly SeenRequest[],
  address = "127.0.0.1",
  wantedPort = 0,
): Promise<Listener> {
  const sockets = new Set<Socket>();
  let connections = 0;
  server.on("connection", (socket: Socket) => {
    connections++;
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.once("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(wantedPort, address, resolve));
  const { port } = server.address() as AddressInfo;
  const listener: Listener = {
    host: `${address}:${port}`,
    port,
    seen,
    connections: () => connections,
    async close() {
      if (!open.delete(listener)) return;
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  open.add(listener);
  return listener;
}

async function readAll(incoming: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  try {
    for await (const part of incoming) parts.push(part as Buffer);
  } catch {
    // The client went away.
  }
  return Buffer.concat(parts).toString();
}
