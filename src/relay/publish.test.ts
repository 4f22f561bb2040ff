import { once } from "node:events";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { ScriptedGuest } from "../../test/support/relay-guest.ts";
import type { WickError } from "../errors/index.ts";
import { PublishedPorts } from "./publish.ts";

const port = (guestPort: number, hostPort = 0) =>
  ({ protocol: "tcp", hostAddress: "127.0.0.1", hostPort, guestPort }) as const;

async function isListening(hostPort: number): Promise<boolean> {
  const socket = connect(hostPort, "127.0.0.1");
  return new Promise((resolve) => {
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });
}

test("ports are bound with their numbers told, and all are free again when it is closed", async () => {
  const published = await PublishedPorts.listen([port(80), port(443)]);
  const hostPorts = published.ports.map(({ hostPort }) => hostPort);
  expect(published.ports.map(({ guestPort }) => guestPort)).toEqual([80, 443]);
  expect(hostPorts.every((one) => one > 0)).toBe(true);
  expect(await Promise.all(hostPorts.map(isListening))).toEqual([true, true]);
  await published.close();
  expect(await Promise.all(hostPorts.map(isListening))).toEqual([false, false]);
});

test("one port that is taken is PORT_BUSY, and those before it are let go", async () => {
  const first = await PublishedPorts.listen([port(80)]);
  const taken = first.ports[0]!.hostPort;
  const other = await PublishedPorts.listen([port(80)]);
  const free = other.ports[0]!.hostPort;
  await other.close();
  const wanted = PublishedPorts.listen([port(80, free), port(443, taken)]);
  await expect(wanted).rejects.toMatchObject({ code: "PORT_BUSY" });
  expect(await isListening(free)).toBe(false);
  await first.close();
});

test("each port leads to its own of the guest, and the guest's goodbye closes them", async () => {
  const published = await PublishedPorts.listen([port(80), port(443)]);
  const guest = new ScriptedGuest();
  const broken: WickError[] = [];
  published.attach(guest.hostEnd, (error) => broken.push(error));
  guest.hello();
  const socket = connect(published.ports[1]!.hostPort, "127.0.0.1");
  const reset = once(socket, "end").catch((error: unknown) => error);
  expect((await guest.of("open")).port).toBe(443);
  guest.send({ kind: "goodbye" }, { kind: "goodbye" });
  await reset;
  await sleep(10);
  expect(broken).toEqual([]); // what follows a goodbye is not read
  expect(await isListening(published.ports[0]!.hostPort)).toBe(false);
  await published.close();
  guest.end();
});
