import * as fc from "fast-check";
import { spawn } from "node:child_process";
import { once } from "node:events";
import type { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { beforeAll, expect, test } from "vitest";
import { compileCheckedPart } from "../../test/support/init-part.ts";
import { closedPort, echo, pattern, serve } from "../../test/support/relay-application.ts";
import { RelayPeer, relayFiles, type PeerConnection } from "../../test/support/relay-peer.ts";
import { lastingDirectory } from "../../test/support/temporary-directory.ts";
import { encodeFrame } from "./frames.ts";
import { relayTypes as types } from "./relay-types.ts";

/** Built with the checks of address, bounds and undefined behaviour: it says where one fails. */
let program: string;
beforeAll(() => {
  program = compileCheckedPart("relay-main.c", relayFiles, lastingDirectory());
});

const LISTENS_MS = 40;
const hello = encodeFrame(types.hello, Uint8Array.from([1, 0, 0, 0, 0, 0, 1, 0]));

/** What a host may say that keeps to nothing; ports 1 and 2 stand for one that listens, one closed. */
const anyFrame = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(fc.constant(types.open), fc.constantFrom(1, 2, 3)) },
  { weight: 6, arbitrary: fc.tuple(fc.constant(types.data), fc.constantFrom(0, 1, 9000, 16384)) },
  { weight: 3, arbitrary: fc.tuple(fc.constant(types.credit), fc.constantFrom(1, 2 ** 20)) },
  { weight: 3, arbitrary: fc.tuple(fc.constantFrom(types.end, types.reset), fc.constant(0)) },
  { weight: 1, arbitrary: fc.tuple(fc.constantFrom(types.closed, types.goodbye), fc.constant(0)) },
  { weight: 1, arbitrary: fc.tuple(fc.nat(0xffff), fc.nat(70_000)) },
);

function bytesOf([type, value]: readonly [number, number], number: number, ports: number[]) {
  if (type === types.open) {
    const port = ports[value - 1] ?? 1;
    return encodeFrame(type, Uint8Array.from([port & 255, port >> 8]), number);
  }
  if (type === types.credit) {
    return encodeFrame(type, new Uint8Array(Uint32Array.of(value).buffer), number);
  }
  return encodeFrame(type, pattern(value), number);
}

/** How the program ends that is told this by a host which then hangs up. */
async function endOf(bytes: Uint8Array): Promise<{ status: number | null; said: string }> {
  const child = spawn(program, [`${1 << 20}`], {
    stdio: ["ignore", "inherit", "pipe", "pipe", "pipe"],
  });
  const [stream, link] = [child.stdio[3] as Socket, child.stdio[4] as Socket];
  let said = "";
  child.stderr!.on("data", (chunk: Buffer) => (said += chunk.toString()));
  for (const socket of [stream, link]) socket.on("error", () => {}).resume();
  const exited = once(child, "close");
  stream.write(bytes);
  await Promise.race([exited, sleep(LISTENS_MS)]); // what it has begun goes on meanwhile
  stream.end();
  await exited;
  link.destroy();
  return { status: child.exitCode, said };
}

const statuses = new Set<number | null>();

test("whatever a host says, the relay's process ends by itself, and cleanly", async () => {
  const ports = [await serve(echo), await closedPort()];
  const frames = fc.array(fc.tuple(anyFrame, fc.constantFrom(1, 1, 1, 2, 3, 0, 65535)), {
    minLength: 1,
    maxLength: 30,
  });
  await fc.assert(
    fc.asyncProperty(frames, fc.boolean(), fc.nat(40), async (said, greets, cut) => {
      const all = Buffer.concat([
        ...(greets || said.length % 4 > 0 ? [hello] : []),
        ...said.map(([frame, number]) => bytesOf(frame, number, ports)),
      ]);
      const end = await endOf(cut < 4 ? all.subarray(0, all.length - cut) : all);
      expect(end.said).toBe("");
      expect(end.status === 0 || end.status === 1).toBe(true);
      statuses.add(end.status);
    }),
    { numRuns: 80 },
  );
  expect(statuses).toEqual(new Set([0, 1])); // both have been seen: the hosts are hostile, not only wrong
});

/** What a client does, by a number; it is over when nothing more can come. */
async function live(peer: RelayPeer, ports: number[], fate: number): Promise<PeerConnection> {
  const connection = peer.open(ports[fate % 7 === 0 ? 1 : 0]!);
  const bytes = pattern((fate * 7919) % 150_000, fate);
  const sent = connection.send(bytes);
  if (fate % 5 === 0) connection.reset();
  await sent;
  if (fate % 5 > 0 && fate % 7 > 0) connection.end();
  await connection.until(() => connection.isFree);
  return connection;
}

test("connections of all fates, whose numbers are used again at once, come whole and never mixed", async () => {
  const ports = [await serve(echo), await closedPort()];
  const peer = await RelayPeer.start(program, { bound: 1 << 20, window: 30_000 });
  for (let round = 0; round < 6; round++) {
    const fates = Array.from({ length: 60 }, (_, i) => round * 60 + i);
    const lived = await Promise.all(fates.map((fate) => live(peer, ports, fate)));
    for (const [i, connection] of lived.entries()) {
      const fate = fates[i]!;
      if (fate % 5 === 0) continue;
      if (fate % 7 === 0) expect(connection.heard.final).toBe("refused");
      else {
        expect(connection.heard.final).toBe("closed");
        const whole = pattern((fate * 7919) % 150_000, fate);
        expect(Buffer.concat(connection.heard.bytes).equals(whole), `fate ${fate}`).toBe(true);
      }
    }
  }
  expect([peer.violations, peer.inUse]).toEqual([[], 0]);
  expect(await peer.close()).toBe(0);
});

test("the checks are there: a program with a fault ends with a report", async () => {
  const faulty = compileCheckedPart("faulty-main.c", []);
  const child = spawn(faulty, [], { stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  child.stderr.on("data", (chunk: Buffer) => (said += chunk.toString()));
  await once(child, "close");
  expect(said).toContain("heap-buffer-overflow");
  expect(child.exitCode).not.toBe(0);
});
