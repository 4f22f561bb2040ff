import { once } from "node:events";
import { connect } from "node:net";
import { networkInterfaces } from "node:os";
import { afterEach, expect, test } from "vitest";
import { setFaults } from "./faults.ts";
import { listenTcp, resetClient, type TcpClient } from "./tcp-server.ts";

const loopback = { hostAddress: "127.0.0.1", hostPort: 0 };

afterEach(() => setFaults([]));

test("a port that is taken, or an address that is not ours, is told in wick's words", async () => {
  const first = await listenTcp(loopback, () => undefined);
  const taken = listenTcp({ ...loopback, hostPort: first.hostPort }, () => undefined);
  await expect(taken).rejects.toMatchObject({ code: "PORT_BUSY" });
  first.close();
  const foreign = listenTcp({ hostAddress: "192.0.2.1", hostPort: 0 }, () => undefined);
  await expect(foreign).rejects.toMatchObject({ code: "USAGE" });
  setFaults([{ call: "listen", pathPrefix: "tcp:", nth: 1, errno: "EMFILE" }]);
  await expect(listenTcp(loopback, () => undefined)).rejects.toMatchObject({ code: "IO" });
});

const hasIpv6 = Object.values(networkInterfaces())
  .flat()
  .some((one) => one?.address === "::1");

test.skipIf(!hasIpv6)("an IPv6 address is listened on too", async () => {
  const clients: TcpClient[] = [];
  const address = { hostAddress: "::1", hostPort: 0 };
  const listener = await listenTcp(address, (client) => clients.push(client));
  await once(connect(listener.hostPort, "::1").resume(), "connect");
  listener.close();
  for (const client of clients) client.destroy();
});

test("a reset client sees a reset; one that had its end already is closed, and nothing stays open", async () => {
  const closed: Promise<unknown>[] = [];
  const reset = await listenTcp(loopback, (client) => {
    closed.push(once(client, "close"));
    resetClient(client);
  });
  const first = connect(reset.hostPort, "127.0.0.1").resume();
  await expect(once(first, "end")).rejects.toThrow("ECONNRESET");
  reset.close();
  const ended = await listenTcp(loopback, (client) => {
    closed.push(once(client, "close"));
    client.end("all of it", () => resetClient(client));
  });
  const second = connect(ended.hostPort, "127.0.0.1");
  const [text] = await once(second, "data");
  expect(String(text)).toBe("all of it");
  ended.close();
  await Promise.all(closed);
});
