/**
 * The relay against QEMU's user network: two machines with the same server, measured in turn. Run
 * by hand, after `npm run build`, on a machine with a C compiler:
 *
 *   node bench/relay.mjs [--rounds N]
 *
 * Prints a Markdown table of medians and the ratio relay ÷ user; the last one is kept in
 * docs/performance.md.
 */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { numberOption } from "./contend.mjs";
import { median } from "./measure.mjs";

const rounds = numberOption("--rounds", 3);
const file = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));
const main = file("dist/bin/wick.cjs");
const work = mkdtempSync(join(tmpdir(), "wick-bench-"));
const image = join(work, "server.ext4");

const BULK_BYTES = 32 << 20;
/** Of test/support/guest/relay-server.c: requests, counting bytes, a sum of what it gets. */
const PORTS = { requests: 80, download: 19, upload: 20 };
const REQUEST = "GET / HTTP/1.1\r\n\r\n";

function buildImage() {
  const program = join(work, "server");
  const source = file("test/support/guest/relay-server.c");
  execFileSync("cc", ["-static", "-O2", "-o", program, source]);
  execFileSync(process.execPath, [main, "build", "-q", "-o", image, `bin:${program}`]);
}

/** A machine whose server listens: where, and how it is ended. */
async function start(network) {
  const publish = Object.values(PORTS).flatMap((port) => ["-p", String(port)]);
  const words = ["run", "--accel", "tcg", "--network", network, ...publish];
  const child = spawn(process.execPath, [main, ...words, image, String(BULK_BYTES)], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  let text = "";
  for await (const chunk of child.stderr) {
    text += String(chunk);
    if (/-> 20\/tcp\n/.test(text)) break;
  }
  const hostPort = (port) => Number(new RegExp(`:(\\d+) -> ${port}/tcp`).exec(text)[1]);
  return { ports: Object.entries(PORTS).map(([name, port]) => [name, hostPort(port)]), child };
}

async function stop({ child }) {
  child.kill("SIGINT");
  await once(child, "exit");
}

async function open(port) {
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  await once(socket.setNoDelay(true), "connect");
  return socket;
}

async function ask(socket) {
  socket.write(REQUEST);
  await once(socket, "data");
}

/** `work` by `workers` at once until `count` are done; so many a second. */
async function rate(count, workers, work) {
  let left = count;
  const begin = performance.now();
  const one = async (index) => {
    while (left-- > 0) await work(index);
  };
  await Promise.all(Array.from({ length: workers }, (_, index) => one(index)));
  return (count * 1000) / (performance.now() - begin);
}

async function requests({ requests: port }) {
  const sockets = await Promise.all(Array.from({ length: 8 }, () => open(port)));
  const result = await rate(2000, 8, (index) => ask(sockets[index]));
  for (const socket of sockets) socket.destroy();
  return result;
}

function connections({ requests: port }) {
  return rate(400, 8, async () => {
    const socket = await open(port);
    await ask(socket);
    socket.destroy();
  });
}

async function mibPerSecond(port, bytes) {
  const socket = await open(port);
  const begin = performance.now();
  socket.end(bytes).resume();
  await once(socket, "end");
  return ((BULK_BYTES / 2 ** 20) * 1000) / (performance.now() - begin);
}

const measures = {
  "requests/s, 8 connections": requests,
  "new connections/s, 8 at once": connections,
  "from the guest, MiB/s": ({ download }) => mibPerSecond(download, ""),
  "to the guest, MiB/s": ({ upload }) => mibPerSecond(upload, Buffer.alloc(BULK_BYTES)),
};

const networks = ["user", "relay"];
const machines = {};
try {
  buildImage();
  for (const network of networks) machines[network] = await start(network);
  console.log("| | user | relay | relay ÷ user |\n| --- | --- | --- | --- |");
  for (const [name, measure] of Object.entries(measures)) {
    const results = { user: [], relay: [] };
    for (let round = 0; round < rounds; round++) {
      for (const network of networks) {
        results[network].push(await measure(Object.fromEntries(machines[network].ports)));
      }
    }
    const [user, relay] = networks.map((network) => median(results[network]));
    console.log(
      `| ${name} | ${user.toFixed(0)} | ${relay.toFixed(0)} | ${(relay / user).toFixed(2)} |`,
    );
  }
} finally {
  for (const machine of Object.values(machines)) await stop(machine);
  rmSync(work, { recursive: true });
}
