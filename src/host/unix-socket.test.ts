import { spawnSync } from "node:child_process";
import { existsSync, lstatSync, statSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { expect, test } from "vitest";
import { temporaryDirectory } from "../../test/support/temporary-directory.ts";
import { awaitPeer, fitsSocketPath, socketListens } from "./unix-socket.ts";

/** A connection that has ended, or is open once it says so. */
function connected(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(path, () => resolve(socket));
    socket.once("error", reject);
  });
}

test("V7 a path over 107 bytes is refused, since Node would cut it in silence", async () => {
  const path = `/tmp/${"x".repeat(103)}`;
  expect([fitsSocketPath(path.slice(0, 107)), fitsSocketPath(path)]).toEqual([true, false]);
  await expect(awaitPeer(path)).rejects.toThrow(/108 bytes, wanted at most 107/);
  await expect(awaitPeer(`/tmp/${"ü".repeat(60)}`)).rejects.toThrow(/125 bytes/);
});

test("the first peer stays, a second one is turned away, and closing removes the file", async () => {
  const path = join(temporaryDirectory(), "s");
  const awaited = await awaitPeer(path);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  const first = await connected(path);
  const peer = await awaited.peer;
  const second = await connected(path);
  await new Promise((resolve) => second.once("close", resolve));
  awaited.close();
  expect(existsSync(path)).toBe(false);
  peer.write("still there");
  const [chunk] = await new Promise<Buffer[]>((resolve) =>
    first.once("data", (data: Buffer) => resolve([data])),
  );
  expect(chunk!.toString()).toBe("still there");
  first.destroy();
  peer.destroy();
});

test("whoever waits for a peer learns that nobody will come", async () => {
  const awaited = await awaitPeer(join(temporaryDirectory(), "s"));
  awaited.close();
  await expect(awaited.peer).rejects.toThrow(/listening has ended/);
});

test("V6 a path that is taken is an error, and what is there stays", async () => {
  const path = join(temporaryDirectory(), "s");
  const awaited = await awaitPeer(path);
  await expect(awaitPeer(path)).rejects.toThrow(/the address is in use/);
  (await connected(path)).destroy();
  (await awaited.peer).destroy();
  awaited.close();
});

test("V6 a socket that a killed process left is nobody's to remove: an error too", async () => {
  const path = join(temporaryDirectory(), "s");
  const script = `require("net").createServer().listen(${JSON.stringify(path)},
    () => process.kill(process.pid, "SIGKILL"))`;
  spawnSync(process.execPath, ["-e", script]);
  expect(await socketListens(path)).toBe(false);
  await expect(awaitPeer(path)).rejects.toThrow(/the address is in use/);
  expect(lstatSync(path).isSocket()).toBe(true);
});
