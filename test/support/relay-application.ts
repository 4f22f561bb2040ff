import { once } from "node:events";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { afterEach } from "vitest";

const servers: Server[] = [];

/** The application's ends of all connections that are open. */
export const sockets = new Set<Socket>();

const closed = (server: Server): Promise<unknown> =>
  new Promise((resolve) => server.close(resolve));

afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  await Promise.all(servers.splice(0).map(closed));
});

/** An application that does this with each connection, until the test ends; its port. */
export async function serve(onSocket: (socket: Socket) => void): Promise<number> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
    onSocket(socket);
  });
  servers.push(server);
  server.listen({ host: "127.0.0.1", port: 0, backlog: 4096 });
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

/** A port on which somebody listened and nobody does. */
export async function closedPort(): Promise<number> {
  const port = await serve(() => {});
  await closed(servers.pop()!);
  return port;
}

export const echo = (socket: Socket): void => void socket.pipe(socket);

/** `length` bytes that are not the same anywhere near. */
export function pattern(length: number, seed = 0): Buffer {
  const bytes = Buffer.alloc(length);
  for (let i = 0; i + 4 <= length; i += 4) bytes.writeUInt32LE((i * 2654435761 + seed) >>> 0, i);
  return bytes;
}
