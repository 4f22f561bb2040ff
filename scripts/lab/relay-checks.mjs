/** Published ports of Firecracker, in a hundredth of what test/boot/relay.test.ts asks of QEMU. */
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { startPatiently } from "./expect.mjs";

const CONNECTIONS = 20;
const REQUESTS = 100;
const BULK_BYTES = 10 << 20;

/** Ports of test/support/guest/relay-server.c: one counts requests, one sends back what it gets. */
const COUNTS = 80;
const ECHO = 7;

/** Boots the server of `image` and asks it; what was seen, in words. */
export async function relayCheck(image) {
  const words = ["--vmm", "firecracker", "-p", String(COUNTS), "-p", String(ECHO), image];
  const machine = startPatiently(words);
  try {
    const ports = await publishedPorts(machine);
    await countedOnce(ports.get(COUNTS));
    await sentBack(ports.get(ECHO));
  } finally {
    machine.child.kill();
    await machine.done;
  }
  const mib = BULK_BYTES / 2 ** 20;
  return `${REQUESTS} requests over ${CONNECTIONS} connections at once, ${mib} MiB each way`;
}

/** Guest's port to host's, once both are listened on. */
async function publishedPorts({ texts, done }) {
  let hasEnded = false;
  void done.then(() => (hasEnded = true));
  for (;;) {
    const lines = [...texts.stderr.matchAll(/127\.0\.0\.1:(\d+) -> (\d+)\/tcp/g)];
    const ports = new Map(lines.map(([, host, guest]) => [Number(guest), Number(host)]));
    if (ports.has(COUNTS) && ports.has(ECHO)) return ports;
    if (hasEnded) throw new Error(`the machine ended\n${texts.stdout}${texts.stderr}`);
    await sleep(100);
  }
}

/** All connections are open before the first asks; no answer comes twice. */
async function countedOnce(port) {
  const sockets = Array.from({ length: CONNECTIONS }, () => connect(port, "127.0.0.1"));
  await Promise.all(sockets.map((socket) => once(socket, "connect")));
  const share = REQUESTS / CONNECTIONS;
  const counts = await Promise.all(sockets.map((socket) => ask(socket, share)));
  for (const socket of sockets) socket.destroy();
  const different = new Set(counts.flat()).size;
  if (different !== REQUESTS) throw new Error(`${different} answers, wanted ${REQUESTS}`);
}

async function ask(socket, times) {
  const counts = [];
  for (let i = 0; i < times; i++) {
    socket.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    let answer = "";
    while (!/\r\n\r\n\d+$/.test(answer)) answer += String((await once(socket, "data"))[0]);
    counts.push(/\d+$/.exec(answer)[0]);
  }
  return counts;
}

/** The client ends its direction first; then all of it comes back, and the other's end. */
async function sentBack(port) {
  const bytes = randomBytes(BULK_BYTES);
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  socket.end(bytes);
  const back = createHash("sha256");
  for await (const chunk of socket) back.update(chunk);
  const sent = createHash("sha256").update(bytes).digest("hex");
  if (back.digest("hex") !== sent) throw new Error("what came back is not what was sent");
}
