import { execFileSync } from "node:child_process";
import { createServer, type AddressInfo, type Server } from "node:net";
import { afterEach, expect, test } from "vitest";
import { compileInitPart } from "../../test/support/init-part.ts";

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

/** Listens on a free port of `host`; the port. */
async function listenOn(host: string): Promise<number> {
  const server = createServer();
  servers.push(server);
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host, port: 0 }, resolve);
  });
  return (server.address() as AddressInfo).port;
}

test("init sees which ports listen, and which of them only the machine itself reaches", async () => {
  const look = compileInitPart("ports-main.c", ["ports.c", "text.c", "copy.c"]);
  const open = await Promise.all(["0.0.0.0", "::ffff:0.0.0.0"].map(listenOn));
  const closed = await Promise.all(["127.0.0.1", "127.9.9.9", "::ffff:127.0.0.1"].map(listenOn));
  const free = await listenOn("0.0.0.0");
  await new Promise((resolve) => servers.pop()!.close(resolve));
  const words = [...open, ...closed, free].map(String);
  const lines = execFileSync(look, words, { encoding: "utf8" }).trim().split("\n");
  const rest = "listens on the loopback address alone: nothing outside reaches it";
  expect(lines.sort()).toEqual(
    [
      ...open.map((port) => `listening ${port}`),
      ...closed.map((port) => `warning port ${port} ${rest}`),
    ].sort(),
  );
});
