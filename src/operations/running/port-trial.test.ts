import { createServer, type Server } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, expect, test } from "vitest";
import type { PortForward } from "../../vmm/index.ts";
import { type PortTrial, untilTaken } from "./port-trial.ts";

const servers: Server[] = [];
afterEach(() =>
  Promise.all(servers.splice(0).map((server) => new Promise((gone) => server.close(gone)))),
);

/** Listens and closes each connection at once, as QEMU does with one that the guest refused. */
async function listen(port = 0): Promise<{ port: PortForward; count: () => number }> {
  let count = 0;
  const server = createServer((client) => {
    count++;
    client.on("error", () => undefined);
    client.end();
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  const { port: hostPort } = server.address() as { port: number };
  const forward = { protocol: "tcp", hostAddress: "127.0.0.1", hostPort, guestPort: 80 } as const;
  return { port: forward, count: () => count };
}

const trialOf = (isTaken: PortTrial["isTaken"]): PortTrial => ({
  target: ({ hostAddress: host, hostPort: port }) => ({ host, port }),
  isTaken,
});

test("a port is tried until a connection gets there, where a connection tells", async () => {
  const { port } = await listen();
  await new Promise((gone) => servers.pop()!.close(gone));
  const trial = trialOf((_, isConnected) => Promise.resolve(isConnected));
  const taken = untilTaken(port, trial, new AbortController().signal);
  expect(await Promise.race([taken, sleep(300, "refused")])).toBe("refused");
  await listen(port.hostPort);
  expect(await taken).toBe(true);
});

test("connections that are accepted and closed say nothing where the VMM accepts before", async () => {
  const { port, count } = await listen();
  let isTaken = false;
  const trial = trialOf(() => Promise.resolve(isTaken));
  const taken = untilTaken(port, trial, new AbortController().signal);
  await expect.poll(count, { timeout: 5000 }).toBeGreaterThan(2);
  isTaken = true;
  expect(await taken).toBe(true);
});

test("the trial ends when there is nothing to wait for any more", async () => {
  const { port } = await listen();
  const over = new AbortController();
  const taken = untilTaken(
    port,
    trialOf(() => Promise.resolve(false)),
    over.signal,
  );
  over.abort();
  expect(await taken).toBe(false);
});
