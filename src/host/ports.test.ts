import { createSocket } from "node:dgram";
import { createServer, type AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { isWickError, type WickError } from "../errors/index.ts";
import { checkPortFree, type HostPort } from "./ports.ts";

async function refusal(port: HostPort): Promise<WickError> {
  const error: unknown = await checkPortFree(port).then(
    () => new Error("it is free"),
    (reason: unknown) => reason,
  );
  if (!isWickError(error)) throw error;
  return error;
}

const loopback = { hostAddress: "127.0.0.1" } as const;

test("a TCP port that somebody listens on is busy, and free again afterwards", async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const port = {
    ...loopback,
    protocol: "tcp",
    hostPort: (server.address() as AddressInfo).port,
  } as const;
  const error = await refusal(port);
  expect([error.code, error.message]).toEqual([
    "PORT_BUSY",
    `Cannot publish 127.0.0.1:${port.hostPort}/tcp: another program is using it`,
  ]);
  await new Promise((resolve) => server.close(resolve));
  await checkPortFree(port);
});

test("a UDP port is another one than the TCP port of its number", async () => {
  const socket = createSocket("udp4");
  await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
  const hostPort = socket.address().port;
  expect((await refusal({ ...loopback, protocol: "udp", hostPort })).code).toBe("PORT_BUSY");
  await checkPortFree({ ...loopback, protocol: "tcp", hostPort });
  await new Promise<void>((resolve) => socket.close(resolve));
});

test("an address that is none of ours is a mistake of the caller's", async () => {
  const error = await refusal({ hostAddress: "192.0.2.1", protocol: "tcp", hostPort: 8080 });
  expect([error.code, error.message]).toEqual([
    "USAGE",
    "Cannot publish 192.0.2.1:8080/tcp: the address is none of this machine's",
  ]);
});
